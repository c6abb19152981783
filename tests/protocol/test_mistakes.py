"""Every mistake of type at once, each with its place."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import BadPayload
from protocol.mistakes import type_mistakes
from protocol.payload import Payload, decode


class Leaf(Payload, frozen=True, kw_only=True):
    """A small value."""

    size: Annotated[int, msgspec.Meta(ge=1)]
    colour: Literal["red", "green"] = "red"


class Tree(Payload, frozen=True, kw_only=True):
    """Values in all the ways a configuration holds them."""

    name: str
    leaf: Leaf | None = None
    leaves: list[Leaf] = msgspec.field(default_factory=list)
    pair: tuple[int, int] = (0, 0)
    trunk: Annotated[list[int], msgspec.Meta(max_length=2)] | None = None
    by_name: dict[str, int] | None = None
    from_: int | str = msgspec.field(default=0, name="from")


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ('{"name":"a"}', []),
        ('{"name":"a","leaf":null,"leaves":[{"size":1}],"pair":[1,2],"from":"x"}', []),
        ("7", ["document = 7: Expected `object`, got `int`"]),
        ("{}", ["name: is missing"]),
        ('{"name":1}', ["name = 1: Expected `str`, got `int`"]),
        ('{"nme":"a"}', ["name: is missing", 'nme = "a": unknown field']),
        (
            '{"name":"a","leaf":{"size":0,"colour":"blue"}}',
            ["leaf.size = 0: Expected `int` >= 1", 'leaf.colour = "blue": must be one of red, green'],
        ),
        (
            '{"name":"a","leaves":[{"size":1},{"size":"1"},7]}',
            ['leaves[1].size = "1": Expected `int`, got `str`', "leaves[2] = 7: Expected `object`, got `int`"],
        ),
        ('{"name":"a","pair":["1",2]}', ['pair[0] = "1": Expected `int`, got `str`']),
        ('{"name":"a","pair":[1]}', ["pair = [1]: Expected `array` of length 2"]),
        ('{"name":"a","trunk":[1,2,3]}', ["trunk = [1,2,3]: Expected `array` of length <= 2"]),
        ('{"name":"a","by_name":{"x":"y"}}', ['by_name = {"x":"y"}: Expected `int`, got `str`']),
        ('{"name":"a","from":null}', ["from = null: Expected `int | str`, got `null`"]),
        ('{"name":"a","leaf":3}', ["leaf = 3: Expected `object | null`, got `int`"]),
        ('{"name":["' + "x" * 100 + '"]}', ['name = ["' + "x" * 58 + ": Expected `str`, got `array`"]),
    ],
)
def test_mistakes_are_named_by_place_and_value(text: str, mistakes: list[str]) -> None:
    assert type_mistakes(text.encode(), Tree) == mistakes


_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["a", "red"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "leaf", "leaves", "pair", "trunk", "from", "size", "colour", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(_VALUES)
def test_there_is_a_mistake_exactly_where_the_document_is_refused(value: Any) -> None:
    raw = msgspec.json.encode(value)
    try:
        decode(raw, Tree)
        good = True
    except BadPayload:
        good = False
    assert (type_mistakes(raw, Tree) == []) == good
