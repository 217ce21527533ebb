"""Plug-ins of other packages, as real metadata on the path describes them."""

import sys

import pytest

from deepvanet.learners import find_record, list_learners
from deepvanet.plugins import find_plugins, load_plugin
from deepvanet.schema import UserError

GROUP = "deepvanet.tested"
CODE = "VALUE = 1\n"


def test_plugins_are_found_in_order_and_not_imported(add_package):
    add_package(
        "alpha", GROUP, {"zebra": "alpha_code:VALUE", "ant": "alpha_code:VALUE"}, CODE
    )

    found = find_plugins(GROUP)

    assert list(found) == ["ant", "zebra"]
    assert "alpha_code" not in sys.modules
    assert load_plugin(found["ant"]) == 1


def test_a_group_without_plugins_is_empty():
    assert find_plugins("deepvanet.there-is-none") == {}


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import not_installed_anywhere\n", "No module named 'not_installed_anywhere'"),
        ("raise RuntimeError('out of\\norder')\n", "out of"),
        ("OTHER = 1\n", "has no attribute 'VALUE'"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_so_in_one_sentence(
    add_package, source, why
):
    add_package("broken", GROUP, {"bad": "broken_code:VALUE"}, source)

    with pytest.raises(UserError) as caught:
        load_plugin(find_plugins(GROUP)["bad"])

    said = str(caught.value)
    assert said.startswith("plug-in bad of broken: cannot be loaded: ")
    assert why in said
    assert "\n" not in said


def test_two_packages_cannot_add_the_same_name(add_package):
    add_package("first", GROUP, {"same": "first_code:VALUE"}, CODE)
    add_package("second", GROUP, {"same": "second_code:VALUE"}, CODE)

    both = r"plug-in same of .*: added by both (first and second|second and first)"
    with pytest.raises(UserError, match=both):
        find_plugins(GROUP)


@pytest.mark.parametrize("name", ["network", "network:16x64", "majority"])
def test_a_learner_whose_name_is_taken_is_refused(add_package, name):
    add_package("shadow", "deepvanet.learners", {name: "shadow_code:VALUE"}, CODE)

    for ask in (list_learners, lambda: find_record("network")):
        with pytest.raises(UserError, match=rf"plug-in {name} of shadow: the name is"):
            ask()
