"""Where points come from: arrays with a description, and what they allow."""

import pytest

from tests.topology.shapes import gauss
from warpviz.topology import compare


def test_points_can_be_described():
    """Points without a context can be described; a context's own facts win."""
    points = gauss(40, 3, seed=14)
    texts = [f"t{at} " for at in range(40)]
    about = {"model": "mine", "checksum": "c0ffee", "token_texts": texts}
    found = compare(points, ks=(8,), policies=("farthest",), num_null=0, about=about)
    assert (found.model, found.checksum, found.token_texts) == ("mine", "c0ffee", tuple(texts))
    for wrong, said in (
        ({"name": "x"}, "unknown entries"),
        ({"token_texts": ["a"]}, "40 points need as many"),
    ):
        with pytest.raises(ValueError, match=said):
            compare(points, ks=(8,), policies=("farthest",), num_null=0, about=wrong)


def test_points_alone_allow_only_policies_that_need_no_attention():
    """An array has no attention: the hybrid rule is refused with a list of what works."""
    points = gauss(40, 3, seed=12)
    with pytest.raises(ValueError, match=r"policy 'hybrid' needs evidence\.received, .*farthest"):
        compare(points, ks=(8,), policies=("hybrid",))
    assert (
        compare(points, ks=(8,), policies=("farthest", "keydiff", "random"), num_null=0).model
        == "points"
    )
