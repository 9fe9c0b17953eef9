"""The npz of a trace may come from anyone: whatever is wrong is one error that names the file."""

import io
import zipfile

import numpy as np
import pytest
from warp_cortex.trace.trace import Token, Trace, load_trace


def header(shape, kind="<f4"):
    """The beginning of an npy file that declares an array."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": kind, "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "stored", "change"),
    [
        ("keys.npy", header((10**15,)), None),  # petabytes
        ("keys.npy", header((10**30,)), None),
        ("keys.npy", header((2,), "<U1") + bytes(8), None),
        ("keys", b"hello", None),
        ("keys.npy", header((2,)) + bytes(8), (b"PK\x01\x02", 10, 99)),  # an unknown packing
        # said to be deflated, which it is not
        ("keys.npy", header((2,)) + bytes(8), (b"PK\x01\x02", 10, 8)),
        ("keys.npy", header((2,)) + bytes(8), (b"PK\x01\x02", 8, 1)),  # said to be encrypted
        # a directory far outside the file
        ("keys.npy", header((2,)) + bytes(8), (b"PK\x05\x06", 19, 255)),
    ],
)
def test_a_hostile_archive_is_refused_by_name(tmp_path, name, stored, change):
    """Impossible sizes, values that are no numbers, strange packing: one ValueError."""
    folder = Trace(events=[Token(step=0, id=0, text="a", position=0)]).save(tmp_path)
    file = folder / "trace.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, stored)
    if change is not None:
        mark, offset, value = change
        data = bytearray(file.read_bytes())
        data[data.index(mark) + offset] = value
        file.write_bytes(data)
    with pytest.raises(ValueError, match=r"trace\.npz does not hold a trace's arrays"):
        load_trace(folder)
