"""The wire: what goes in comes out, what would be garbage is refused, and any text survives JSON
and UTF-8.
"""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from warpviz.views.base import wire

KNOWN = st.sampled_from(wire.DTYPES).flatmap(
    lambda dtype: arrays(dtype, array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=7))
)
TREE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(categories=None), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=5), KNOWN, max_size=4))
def test_arrays_survive_the_wire(given_arrays: dict[str, np.ndarray]) -> None:
    """unpack(pack(arrays)) are the same names, dtypes, shapes and bits."""
    found = wire.unpack(*wire.pack(given_arrays))
    assert list(found) == list(given_arrays)
    for name, array in given_arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name].tobytes() == array.tobytes()


def test_a_view_of_an_array_is_packed_contiguously() -> None:
    """Strided and big-endian arrays travel as contiguous little-endian values."""
    array = np.arange(12, dtype=">i4").reshape(3, 4)[:, ::2]
    headers, buffers = wire.pack({"a": array.astype(">i4")})
    assert headers == [{"name": "a", "dtype": "int32", "shape": [3, 2]}]
    assert np.frombuffer(buffers[0], "<i4").tolist() == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize(
    "bad", [np.zeros(2), np.zeros(2, np.int64), np.array(["x"]), [1.0, 2.0], None]
)
def test_other_dtypes_are_refused(bad: object) -> None:
    """Anything but an array of a known dtype is a TypeError that names the array and what is
    accepted.
    """
    with pytest.raises(TypeError, match=r"'a' is .*float32"):
        wire.pack({"a": bad})  # type: ignore[dict-item]


def test_a_short_buffer_is_refused() -> None:
    """A header that promises more values than its buffer holds is a ValueError."""
    headers, buffers = wire.pack({"a": np.zeros(4, np.float32)})
    with pytest.raises(ValueError, match="came with 3 values"):
        wire.unpack(headers, [buffers[0][:12]])
    with pytest.raises(ValueError, match="float64"):
        wire.unpack([{**headers[0], "dtype": "float64"}], buffers)


@given(TREE)
def test_cleaned_data_is_strict_json_and_utf8(value: object) -> None:
    """Whatever is cleaned can be written as strict JSON without ASCII escapes and encoded as
    UTF-8.
    """
    text = json.dumps(wire.clean(value), allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")


@given(st.text(max_size=30))
def test_text_without_lone_surrogates_is_untouched(text: str) -> None:
    """Cleaning changes nothing that UTF-8 can carry."""
    assert wire.clean(text) == text


def test_lone_surrogates_and_numpy_values_are_replaced() -> None:
    """A lone surrogate becomes U+FFFD, a pair its character; NaN becomes None; numpy values plain
    ones.
    """
    assert wire.clean("a\ud800b") == "a\ufffdb"
    assert wire.clean("\ud83d\ude00") == "\U0001f600"
    made = wire.clean(
        {"a": np.float32(1.5), "b": np.array([1, 2]), "c": (np.nan, np.inf), "d": np.int64(3)}
    )
    assert made == {"a": 1.5, "b": [1, 2], "c": [None, None], "d": 3}


@pytest.mark.parametrize("bad", [[-1], [2**32], [0.5]])
def test_indices_must_be_whole_and_fit(bad: list[float]) -> None:
    """uint32 refuses what it would change."""
    with pytest.raises(ValueError, match="whole numbers"):
        wire.uint32(bad)


def test_base64_headers_hold_the_same_bits() -> None:
    """The text form of a page decodes to the packed buffer."""
    import base64

    array = np.arange(5, dtype=np.float32)
    header = wire.pack_text({"a": array})[0]
    assert np.frombuffer(base64.b64decode(header["base64"]), np.float32).tolist() == array.tolist()
