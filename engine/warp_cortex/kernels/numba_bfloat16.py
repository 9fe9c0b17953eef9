"""Numbers in compiled loops: float32, or bfloat16 as uint16 bits; and prefetching of memory."""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

# sums may be reordered and fused; infinities and NaN keep their meaning
FAST = {"reassoc", "contract", "nsz", "arcp"}
LOG2E = np.float32(1.4426950408889634)


@intrinsic
def _as_float(_, value):
    """The float32 with these bits."""
    return types.float32(types.uint32), lambda _c, builder, _s, args: builder.bitcast(
        args[0], ir.FloatType()
    )


@intrinsic
def _as_bits(_, value):
    """The bits of a float32."""
    return types.uint32(types.float32), lambda _c, builder, _s, args: builder.bitcast(
        args[0], ir.IntType(32)
    )


@intrinsic
def fetch(_, array, index):
    """Prefetch the memory line of element `index` of a contiguous array."""

    def asked(context, builder, _s, args):
        start = builder.gep(context.make_array(array)(context, builder, args[0]).data, [args[1]])
        where = builder.bitcast(start, ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [where.type, number, number, number])
        hint = builder.module.declare_intrinsic("llvm.prefetch", [where.type], fnty=kind)
        # to read, into the nearest cache, data
        builder.call(hint, [where, number(0), number(3), number(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), asked


def wide(number):
    """Return a stored number as float32; compiled by type below."""
    raise NotImplementedError(number)


def narrow(number, like):
    """Return a float32 as it is stored in `like`; compiled by type below."""
    raise NotImplementedError(number, like)


@overload(wide, inline="always")
def _wide(number):
    if isinstance(number, types.Float):
        return lambda number: number
    return lambda number: _as_float(np.uint32(number) << np.uint32(16))


@overload(narrow, inline="always")
def _narrow(number, like):
    if isinstance(like.dtype, types.Float):
        return lambda number, like: number

    def rounded(number, like):
        raw = _as_bits(number)  # to nearest, ties to even; a NaN keeps a bit
        return np.uint16(
            (raw + np.uint32(0x7FFF) + ((raw >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
        )

    return rounded


@njit(inline="always", fastmath=FAST)
def exp(x):
    """Return exp of a float32 to 2e-7, relative; below -87 as at -87, above 87 as at 87."""
    x = np.float32(-87.0) if x < np.float32(-87.0) else x
    x = np.float32(87.0) if x > np.float32(87.0) else x
    y = x * LOG2E
    whole = np.floor(y + np.float32(0.5))
    part = y - whole
    power = np.float32(1.5403530393381609e-4)
    power = power * part + np.float32(1.3333558146428443e-3)
    power = power * part + np.float32(9.618129107628477e-3)
    power = power * part + np.float32(5.550410866482158e-2)
    power = power * part + np.float32(2.402265069591007e-1)
    power = power * part + np.float32(6.931471805599453e-1)
    power = power * part + np.float32(1.0)
    return power * _as_float(np.uint32(np.int32(whole) + np.int32(127)) << np.uint32(23))
