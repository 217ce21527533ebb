"""The web page: a recording in, a timeline out, on this machine only.

A request is checked and answered by ``server``; what was sent is bounded and kept by
``uploads``; ``jobs`` lets recordings wait and gives each a process of its own,
``worker``, which is ended past its time; ``report`` writes the page to take away.
"""
