// The binary wire: buffers in, typed arrays out; the counterpart of views/base/wire.py.

const WIRE_TYPES = {
  float32: Float32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
};

/**
 * Return the bytes of a DataView, an ArrayBuffer or a typed array, copied to an aligned buffer.
 *
 * @param {ArrayBufferView | ArrayBuffer} buffer
 */
function alignedBytes(buffer) {
  const view = ArrayBuffer.isView(buffer)
    ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new Uint8Array(buffer);
  return view.slice().buffer;
}

/**
 * @typedef {Float32Array | Uint8Array | Uint16Array | Uint32Array | Int32Array} Numbers
 * @typedef {{ name: string, data: Numbers, shape: number[] }} WireArray
 * @typedef {{ name: string, dtype: string, shape: number[], append?: boolean }} Header
 */

/**
 * Return the array of one header and its buffer.
 *
 * @param {Header} header
 * @param {ArrayBufferView | ArrayBuffer} buffer
 * @returns {WireArray}
 * @throws {TypeError} the dtype is unknown
 * @throws {RangeError} the buffer does not hold as many values as the shape says
 */
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

/**
 * Return `old` grown by `more` along the first axis.
 *
 * @param {WireArray | undefined} old
 * @param {WireArray} more
 * @returns {WireArray}
 */
export function appendArray(old, more) {
  if (!old || old.data.length === 0) return more;
  const Type = /** @type {new (length: number) => Numbers} */ (old.data.constructor);
  const data = new Type(old.data.length + more.data.length);
  data.set(old.data);
  data.set(more.data, old.data.length);
  return { name: old.name, data, shape: [old.shape[0] + more.shape[0], ...old.shape.slice(1)] };
}
