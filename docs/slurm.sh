#!/usr/bin/env bash
# A Ray cluster inside a SLURM job, and a command of deepvanet on it.
#
#   sbatch slurm.sh evaluate store --out run --streams face+bio
#
# All nodes must see the environment, the store and the run's folder under the
# same names. Interrupted, or out of time? Send it again: finished fits are kept.
#SBATCH --job-name=deepvanet
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=32
#SBATCH --mem-per-cpu=2G
#SBATCH --time=12:00:00
set -euo pipefail

: "${SLURM_JOB_NODELIST:?run this under sbatch}"
port=${RAY_PORT:-6379}
cpus=${SLURM_CPUS_PER_TASK:-1}
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN  # srun hands it on; a process without it cannot send work

mapfile -t nodes < <(scontrol show hostnames "$SLURM_JOB_NODELIST")
head=${nodes[0]}
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" \
  python -c 'import socket; print(socket.gethostbyname(socket.gethostname()))')

started=()
end() { kill "${started[@]}" 2>/dev/null || true; wait || true; }
trap end EXIT

srun --nodes=1 --ntasks=1 --nodelist="$head" \
  ray start --head --block --node-ip-address="$address" --port="$port" \
  --num-cpus="$cpus" --include-dashboard=false &
started+=($!)
until python -c 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1)' \
  "$address" "$port" 2>/dev/null; do
  kill -0 "${started[0]}"  # ends this script where the head ended
  sleep 1
done
for node in "${nodes[@]:1}"; do
  srun --nodes=1 --ntasks=1 --nodelist="$node" \
    ray start --block --address="$address:$port" --num-cpus="$cpus" &
  started+=($!)
done

# workers may come later: Ray gives them tasks as they join
deepvanet "$@" --executor ray --address "$address:$port"
