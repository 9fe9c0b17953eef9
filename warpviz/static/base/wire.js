// The binary wire: buffers in, typed arrays out. The counterpart of views/wire.py.

const WIRE_TYPES = {
  float32: Float32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
};

/** Return the bytes of whatever a kernel sends (DataView, ArrayBuffer or typed array), copied to an aligned buffer. */
function alignedBytes(buffer) {
  const view = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  return view.slice().buffer;
}

/** Return {name, data, shape} for one header and its buffer; unknown dtypes and wrong sizes throw. */
export function decodeArray(header, buffer) {
  const Type = WIRE_TYPES[header.dtype];
  if (!Type) throw new TypeError(`array ${header.name}: unknown dtype ${header.dtype}`);
  const data = new Type(alignedBytes(buffer));
  const size = header.shape.reduce((a, b) => a * b, 1);
  if (data.length !== size)
    throw new RangeError(`array ${header.name}: ${data.length} values for shape ${header.shape}`);
  return { name: header.name, data, shape: header.shape };
}

/** Return the bytes of base64 text. */
export function bytesOfBase64(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

/** Return `old` grown by `more` along the first axis. */
export function appendArray(old, more) {
  if (!old || old.data.length === 0) return more;
  const data = new old.data.constructor(old.data.length + more.data.length);
  data.set(old.data);
  data.set(more.data, old.data.length);
  return { name: old.name, data, shape: [old.shape[0] + more.shape[0], ...old.shape.slice(1)] };
}
