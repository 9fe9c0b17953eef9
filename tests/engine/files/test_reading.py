"""Files of strangers: one error in one line, before time or memory is spent."""

import io
import json
import os
import zipfile

import numpy as np
import pytest
from warp_cortex import UnreadableFileError, load_trace, read_arrays, read_object, read_text
from warp_cortex.files.reading import MOST_DEPTH
from warp_cortex.sources.folder import check_folder


def packed(path, members, packing=zipfile.ZIP_STORED):
    """Write members, (name, bytes) each, as a zip file."""
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def npy(array):
    """Return the bytes of an array's npy file."""
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_only_regular_files_are_opened(tmp_path):
    """A pipe, a device and a folder are named for what they are; none blocks."""
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe"), ("/dev/zero", "a device"), (tmp_path, "a f")):
        for read in (read_text, read_object, read_arrays):
            with pytest.raises(UnreadableFileError, match=f"is {kind}"):
                read(path)
    os.mkfifo(tmp_path / "trace.jsonl")
    with pytest.raises(UnreadableFileError, match="is a pipe"):
        load_trace(tmp_path)
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        read_text("a\0b")


def test_an_error_is_one_line_under_300_characters(tmp_path):
    """Long paths, line breaks and escape characters in names stay within the line."""
    folder = tmp_path / ("a" * 200) / ("b\n\x1b[31m" + "c" * 100)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("[" * 1000)
    with pytest.raises(UnreadableFileError) as caught:
        read_object(folder / "config.json")
    message = str(caught.value)
    assert len(message) < 300
    assert message.isprintable()
    assert "config.json" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "is not JSON of at most 64 levels"),
        ("[" * 100_000, "is not JSON of at most 64 levels"),
        ("1" * 5000, "is not JSON: a whole number of 5,000 digits"),
        ("[" + "[]," * 2**20 + "0]", "holds more than 1,048,576 values"),
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
    ],
)
def test_json_is_bounded(tmp_path, text, words):
    """Depth, digits and number of values have bounds that no honest file comes near."""
    path = tmp_path / "some.json"
    path.write_text(text)
    with pytest.raises(UnreadableFileError, match=rf"some\.json {words}"):
        read_object(path)
    path.write_text(json.dumps({"a": [[[1, 2.5, None]]], "b": 10**30}))
    assert read_object(path) == {"a": [[[1, 2.5, None]]], "b": 10**30}


def test_arrays_come_back_as_numpy_wrote_them(tmp_path):
    """Kinds, orders, empty and zero-dimensional arrays; stored and deflated."""
    arrays = {
        "a": np.arange(6, dtype=np.float16).reshape(2, 3),
        "b": np.asfortranarray(np.arange(6, dtype=">i4").reshape(2, 3)),
        "c": np.zeros((0, 4)),
        "d": np.array(7, np.uint8),
    }
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "some.npz", **arrays)
        found = read_arrays(tmp_path / "some.npz")
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert np.array_equal(found[name], array)
            assert found[name].dtype == array.dtype
            assert found[name].flags.writeable


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    """100 MiB of zeros in 100 kB, a packing that is not read, one name twice: no byte is read."""
    zeros = npy(np.zeros(100 * 2**20, np.uint8))
    path = packed(tmp_path / "bomb.npz", [("a.npy", zeros)], zipfile.ZIP_DEFLATED)
    with pytest.raises(UnreadableFileError, match=r"bomb\.npz is damaged: its .* would become"):
        read_arrays(path)
    path = packed(tmp_path / "bomb.npz", [("a.npy", npy(np.ones(3)))], zipfile.ZIP_BZIP2)
    with pytest.raises(UnreadableFileError, match="neither stored nor deflated"):
        read_arrays(path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = packed(tmp_path / "bomb.npz", [("a.npy", npy(np.ones(3)))] * 2)
    with pytest.raises(UnreadableFileError, match="two members have one name"):
        read_arrays(path)
    path = packed(tmp_path / "bomb.npz", [("../a.npy", npy(np.ones(3)))])
    with pytest.raises(UnreadableFileError, match="is not the name of an array"):
        read_arrays(path)


def test_a_config_that_counts_too_much_is_refused(tmp_path):
    """Transformers would build a list of a billion layers before it looked at a weight."""
    (tmp_path / "config.json").write_text(json.dumps({"num_hidden_layers": 10**9}))
    with pytest.raises(UnreadableFileError, match=r"config\.json says num_hidden_layers = 1000000"):
        check_folder(tmp_path)
