//! THE op table: one row for each elementwise operation.
//!
//! A row is
//!
//! ```text
//! /// What it does: the documentation of the methods of arrays, too.
//! Variant name(arguments) [aliases] Domain -> Result {
//!     class level: value;          // the value for this class of element types ..
//!     class level: value;          // .. bool, signed, unsigned, int (both), float, complex
//! }
//! ```
//!
//! [`Domain`](super::Domain) says which types the operation takes, the result is [`Same`](super::Same),
//! [`Truth`](super::Truth) or [`Part`](super::Part). The value is an expression in the arguments, compiled for every type
//! of the class, in loops for all levels up to `level`: `base` for library calls, `avx2` for what memory limits, `avx512`
//! for vector math; it may use the level it is compiled for as `I`. There are two special classes: `repaired` names a
//! [`Repaired`](crate::kernels::vmath::trig::Repaired) function of floats, `mixed` is for `i64` with `u64`.
//!
//! Everything else follows from the rows: [`ElemOp`](super::ElemOp), its documentation and type rules, the loops of the
//! interpreter, the methods of arrays. Adding an operation is adding a row.

/// Calls a macro with all rows of the op table. The macro takes them as
///
/// ```text
/// ($($(#[doc = $doc:literal])+ $variant:ident $name:ident $args:tt [$($alias:literal),*]
///     $domain:ident -> $result:ident { $($values:tt)* })+)
/// ```
macro_rules! for_each_elementwise {
    ($mac:ident) => {
        $mac! {
            /// The negative, `-x`. Integers wrap.
            Negative negative(x) [] Number -> Same {
                int avx2: x.wrapping_neg();
                float avx2: -x;
                complex avx2: -x;
            }
            /// The number itself, `+x`.
            Positive positive(x) [] Number -> Same {
                int avx2: x;
                float avx2: x;
                complex avx2: x;
            }
            /// The absolute value; of a complex number its real magnitude. The smallest signed integer stays as it is.
            Absolute absolute(x) ["abs"] Any -> Part {
                bool avx2: x;
                signed avx2: x.wrapping_abs();
                unsigned avx2: x;
                float avx2: x.abs();
                complex avx512: VectorMath::hypot::<I>(x.re, x.im);
            }
            /// -1, 0 or 1 by the sign; 0 of both zeros, NaN of NaN. Of a complex number `z / |z|`.
            Sign sign(x) ["signum"] Number -> Same {
                signed avx2: x.signum();
                unsigned avx2: x.min(1);
                float avx2: float::sign(x);
                complex base: x.through(complex::sign);
            }
            /// The square, `x * x`.
            Square square(x) [] Widened -> Same {
                int avx2: x.wrapping_mul(x);
                float avx2: x * x;
                complex avx2: x * x;
            }
            /// The square root; NaN for negative real numbers.
            Sqrt sqrt(x) [] Floating -> Same {
                float avx512: x.sqrt();
                complex base: x.through(complex::sqrt);
            }
            /// The cube root.
            Cbrt cbrt(x) [] RealFloating -> Same {
                float avx512: VectorMath::cbrt::<I>(x);
            }
            /// `1 / x`. Of integers rounded towards zero: 0 unless `x` is 1 or -1.
            Reciprocal reciprocal(x) ["recip"] Widened -> Same {
                int avx2: integer::reciprocal(x);
                float avx2: 1.0 / x;
                complex avx512: complex::reciprocal(x);
            }
            /// `e^x`.
            Exp exp(x) [] Floating -> Same {
                float avx512: VectorMath::exp::<I>(x);
                complex base: x.through(complex::exp);
            }
            /// `2^x`.
            Exp2 exp2(x) [] Floating -> Same {
                float avx512: VectorMath::exp2::<I>(x);
                complex base: x.through(complex::exp2);
            }
            /// `e^x - 1`, exact for small `x`, too.
            Expm1 expm1(x) ["exp_m1"] Floating -> Same {
                float avx512: VectorMath::expm1::<I>(x);
                complex base: x.through(complex::expm1);
            }
            /// The natural logarithm.
            Ln ln(x) ["log"] Floating -> Same {
                float avx512: VectorMath::ln::<I>(x);
                complex base: x.through(complex::ln);
            }
            /// The logarithm to base 2.
            Log2 log2(x) [] Floating -> Same {
                float avx512: VectorMath::log2::<I>(x);
                complex base: x.through(complex::log2);
            }
            /// The logarithm to base 10.
            Log10 log10(x) [] Floating -> Same {
                float avx512: VectorMath::log10::<I>(x);
                complex base: x.through(complex::log10);
            }
            /// `ln(1 + x)`, exact for small `x`, too.
            Log1p log1p(x) ["ln_1p"] Floating -> Same {
                float avx512: VectorMath::log1p::<I>(x);
                complex base: x.through(complex::log1p);
            }
            /// The sine.
            Sin sin(x) [] Floating -> Same {
                repaired avx512: trig::Sin;
                complex base: x.through(complex::sin);
            }
            /// The cosine.
            Cos cos(x) [] Floating -> Same {
                repaired avx512: trig::Cos;
                complex base: x.through(complex::cos);
            }
            /// The tangent.
            Tan tan(x) [] Floating -> Same {
                repaired avx512: trig::Tan;
                complex base: x.through(complex::tan);
            }
            /// The arc sine.
            Asin asin(x) ["arcsin"] Floating -> Same {
                float avx512: VectorMath::asin::<I>(x);
                complex base: x.through(complex::asin);
            }
            /// The arc cosine.
            Acos acos(x) ["arccos"] Floating -> Same {
                float avx512: VectorMath::acos::<I>(x);
                complex base: x.through(complex::acos);
            }
            /// The arc tangent.
            Atan atan(x) ["arctan"] Floating -> Same {
                float avx512: VectorMath::atan::<I>(x);
                complex base: x.through(complex::atan);
            }
            /// The hyperbolic sine.
            Sinh sinh(x) [] Floating -> Same {
                float avx512: VectorMath::sinh::<I>(x);
                complex base: x.through(complex::sinh);
            }
            /// The hyperbolic cosine.
            Cosh cosh(x) [] Floating -> Same {
                float avx512: VectorMath::cosh::<I>(x);
                complex base: x.through(complex::cosh);
            }
            /// The hyperbolic tangent.
            Tanh tanh(x) [] Floating -> Same {
                float avx512: VectorMath::tanh::<I>(x);
                complex base: x.through(complex::tanh);
            }
            /// The inverse hyperbolic sine.
            Asinh asinh(x) ["arcsinh"] Floating -> Same {
                float avx512: VectorMath::asinh::<I>(x);
                complex base: x.through(complex::asinh);
            }
            /// The inverse hyperbolic cosine.
            Acosh acosh(x) ["arccosh"] Floating -> Same {
                float avx512: VectorMath::acosh::<I>(x);
                complex base: x.through(complex::acosh);
            }
            /// The inverse hyperbolic tangent.
            Atanh atanh(x) ["arctanh"] Floating -> Same {
                float avx512: VectorMath::atanh::<I>(x);
                complex base: x.through(complex::atanh);
            }
            /// Degrees as radians.
            Deg2rad deg2rad(x) ["radians", "to_radians"] RealFloating -> Same {
                float avx2: x.to_radians();
            }
            /// Radians as degrees.
            Rad2deg rad2deg(x) ["degrees", "to_degrees"] RealFloating -> Same {
                float avx2: x.to_degrees();
            }
            /// The largest whole number that is not above `x`.
            Floor floor(x) [] Real -> Same {
                bool avx2: x;
                int avx2: x;
                float avx2: x.floor();
            }
            /// The smallest whole number that is not below `x`.
            Ceil ceil(x) [] Real -> Same {
                bool avx2: x;
                int avx2: x;
                float avx2: x.ceil();
            }
            /// The whole part, without the fraction.
            Trunc trunc(x) ["fix"] Real -> Same {
                bool avx2: x;
                int avx2: x;
                float avx2: x.trunc();
            }
            /// The nearest whole number; halves go to the even one.
            Rint rint(x) ["round_ties_even"] Floating -> Same {
                float avx2: x.round_ties_even();
                complex base: x.through(|z| C64::new(z.re.round_ties_even(), z.im.round_ties_even()));
            }
            /// Whether a number is NaN.
            Isnan isnan(x) ["is_nan"] Any -> Truth {
                bool base: x & false;
                int base: x != x;
                float avx2: x != x;
                complex avx2: complex::is_nan(x);
            }
            /// Whether a number is neither infinite nor NaN.
            Isfinite isfinite(x) ["is_finite"] Any -> Truth {
                bool base: x | true;
                int base: x == x;
                float avx2: x.is_finite();
                complex avx2: x.re.is_finite() & x.im.is_finite();
            }
            /// Whether a number is infinite.
            Isinf isinf(x) ["is_infinite"] Any -> Truth {
                bool base: x & false;
                int base: x != x;
                float avx2: x.is_infinite();
                complex avx2: x.re.is_infinite() | x.im.is_infinite();
            }
            /// Whether the sign bit is set; `-0.0` has it.
            Signbit signbit(x) ["is_sign_negative"] RealFloating -> Truth {
                float avx2: x.is_sign_negative();
            }
            /// Whether a number is zero.
            LogicalNot logical_not(x) [] Any -> Truth {
                bool avx2: !x;
                int avx2: x == 0;
                float avx2: x == 0.0;
                complex avx2: !complex::truth(x);
            }
            /// All bits turned; `!x` of a bool.
            Invert invert(x) ["bitwise_not", "not"] Bits -> Same {
                bool avx2: !x;
                int avx2: !x;
            }
            /// The complex conjugate; real numbers stay.
            Conj conj(x) ["conjugate"] Widened -> Same {
                int avx2: x;
                float avx2: x;
                complex avx2: x.conj();
            }
            /// The real part.
            Real real(x) ["re"] Any -> Part {
                bool avx2: x;
                int avx2: x;
                float avx2: x;
                complex avx2: x.re;
            }
            /// The imaginary part; 0 for real numbers.
            Imag imag(x) ["im"] Any -> Part {
                bool avx2: x & false;
                int avx2: x & 0;
                float avx2: { let _ = x; 0.0 };
                complex avx2: x.im;
            }
            /// The angle of a complex number with the positive real axis, from -π to π.
            Angle angle(x) ["arg", "phase"] Floating -> Part {
                float avx512: VectorMath::atan2::<I>(0.0, x);
                complex avx512: VectorMath::atan2::<I>(x.im, x.re);
            }
            /// NaN as 0 and infinities as the largest finite numbers, in each part of a complex number.
            NanToNum nan_to_num(x) [] Any -> Same {
                bool avx2: x;
                int avx2: x;
                float avx2: float::finite(x);
                complex avx2: num_complex::Complex::new(float::finite(x.re), float::finite(x.im));
            }

            /// The sum, `x + y`. Integers wrap; bools are or-ed.
            Add add(x, y) ["+"] Any -> Same {
                bool avx2: x | y;
                int avx2: x.wrapping_add(y);
                float avx2: x + y;
                complex avx2: x + y;
            }
            /// The difference, `x - y`. Integers wrap.
            Subtract subtract(x, y) ["sub", "-"] Number -> Same {
                int avx2: x.wrapping_sub(y);
                float avx2: x - y;
                complex avx2: x - y;
            }
            /// The product, `x * y`. Integers wrap; bools are and-ed.
            Multiply multiply(x, y) ["mul", "*"] Any -> Same {
                bool avx2: x & y;
                int avx2: x.wrapping_mul(y);
                float avx2: x * y;
                complex avx2: x * y;
            }
            /// The quotient, `x / y`, of integers as `float64`.
            Divide divide(x, y) ["true_divide", "div", "/"] Floating -> Same {
                float avx2: x / y;
                complex avx512: complex::divide(x, y);
            }
            /// The quotient rounded down. Integers divided by zero give 0.
            FloorDivide floor_divide(x, y) ["//"] WidenedReal -> Same {
                int base: integer::floor_divide(x, y);
                float base: float::floor_divide(x, y);
            }
            /// The remainder of [`floor_divide`](Self::floor_divide), with the sign of the divisor.
            Remainder remainder(x, y) ["mod", "rem_euclid", "%"] WidenedReal -> Same {
                int base: integer::remainder(x, y);
                float base: float::remainder(x, y);
            }
            /// The remainder with the sign of the dividend, as Rust's `%`. Integers divided by zero give 0.
            Fmod fmod(x, y) ["rem"] WidenedReal -> Same {
                int base: integer::fmod(x, y);
                float base: x % y;
            }
            /// `x` to the power of `y`. Integers wrap; an integer to a negative power is an error.
            Power power(x, y) ["pow", "powf", "powi", "**"] Widened -> Same {
                int base: integer::power(x, y);
                float avx512: VectorMath::pow::<I>(x, y);
                complex base: x.through2(y, complex::power);
            }
            /// The smaller of two numbers; NaN if one is NaN.
            Minimum minimum(x, y) ["min"] Any -> Same {
                bool avx2: x & y;
                int avx2: x.min(y);
                float avx2: float::minimum(x, y);
                complex avx2: if complex::less_equal(x, y) | complex::is_nan(x) { x } else { y };
            }
            /// The larger of two numbers; NaN if one is NaN.
            Maximum maximum(x, y) ["max"] Any -> Same {
                bool avx2: x | y;
                int avx2: x.max(y);
                float avx2: float::maximum(x, y);
                complex avx2: if complex::less_equal(y, x) | complex::is_nan(x) { x } else { y };
            }
            /// The smaller of two numbers; the other one if one is NaN.
            Fmin fmin(x, y) [] Any -> Same {
                bool avx2: x & y;
                int avx2: x.min(y);
                float avx2: float::fmin(x, y);
                complex avx2: if complex::less_equal(x, y) | complex::is_nan(y) { x } else { y };
            }
            /// The larger of two numbers; the other one if one is NaN.
            Fmax fmax(x, y) [] Any -> Same {
                bool avx2: x | y;
                int avx2: x.max(y);
                float avx2: float::fmax(x, y);
                complex avx2: if complex::less_equal(y, x) | complex::is_nan(y) { x } else { y };
            }
            /// Whether `x == y`.
            Equal equal(x, y) ["eq", "=="] Comparable -> Truth {
                bool avx2: x == y;
                int avx2: x == y;
                float avx2: x == y;
                complex avx2: x == y;
                mixed base: (x as i128) == (y as i128);
            }
            /// Whether `x != y`.
            NotEqual not_equal(x, y) ["ne", "!="] Comparable -> Truth {
                bool avx2: x != y;
                int avx2: x != y;
                float avx2: x != y;
                complex avx2: x != y;
                mixed base: (x as i128) != (y as i128);
            }
            /// Whether `x < y`; complex numbers by the real part, then by the imaginary one.
            Less less(x, y) ["lt", "<"] Comparable -> Truth {
                bool avx2: !x & y;
                int avx2: x < y;
                float avx2: x < y;
                complex avx2: complex::less(x, y);
                mixed base: (x as i128) < (y as i128);
            }
            /// Whether `x <= y`; complex numbers by the real part, then by the imaginary one.
            LessEqual less_equal(x, y) ["le", "<="] Comparable -> Truth {
                bool avx2: !x | y;
                int avx2: x <= y;
                float avx2: x <= y;
                complex avx2: complex::less_equal(x, y);
                mixed base: (x as i128) <= (y as i128);
            }
            /// Whether `x > y`; complex numbers by the real part, then by the imaginary one.
            Greater greater(x, y) ["gt", ">"] Comparable -> Truth {
                bool avx2: x & !y;
                int avx2: x > y;
                float avx2: x > y;
                complex avx2: complex::less(y, x);
                mixed base: (x as i128) > (y as i128);
            }
            /// Whether `x >= y`; complex numbers by the real part, then by the imaginary one.
            GreaterEqual greater_equal(x, y) ["ge", ">="] Comparable -> Truth {
                bool avx2: x | !y;
                int avx2: x >= y;
                float avx2: x >= y;
                complex avx2: complex::less_equal(y, x);
                mixed base: (x as i128) >= (y as i128);
            }
            /// Whether both numbers are not zero.
            LogicalAnd logical_and(x, y) ["and", "&&"] Any -> Truth {
                bool avx2: x & y;
                int avx2: (x != 0) & (y != 0);
                float avx2: (x != 0.0) & (y != 0.0);
                complex avx2: complex::truth(x) & complex::truth(y);
            }
            /// Whether at least one number is not zero.
            LogicalOr logical_or(x, y) ["or", "||"] Any -> Truth {
                bool avx2: x | y;
                int avx2: (x != 0) | (y != 0);
                float avx2: (x != 0.0) | (y != 0.0);
                complex avx2: complex::truth(x) | complex::truth(y);
            }
            /// Whether exactly one of two numbers is not zero.
            LogicalXor logical_xor(x, y) ["xor"] Any -> Truth {
                bool avx2: x ^ y;
                int avx2: (x != 0) ^ (y != 0);
                float avx2: (x != 0.0) ^ (y != 0.0);
                complex avx2: complex::truth(x) ^ complex::truth(y);
            }
            /// The bits set in both numbers, `x & y`.
            BitwiseAnd bitwise_and(x, y) ["&"] Bits -> Same {
                bool avx2: x & y;
                int avx2: x & y;
            }
            /// The bits set in at least one number, `x | y`.
            BitwiseOr bitwise_or(x, y) ["|"] Bits -> Same {
                bool avx2: x | y;
                int avx2: x | y;
            }
            /// The bits set in exactly one number, `x ^ y`.
            BitwiseXor bitwise_xor(x, y) ["^"] Bits -> Same {
                bool avx2: x ^ y;
                int avx2: x ^ y;
            }
            /// `x << y`; 0 when `y` is negative or not below the number of bits.
            LeftShift left_shift(x, y) ["shl", "<<"] WidenedInt -> Same {
                int avx2: integer::left_shift(x, y);
            }
            /// `x >> y`; 0 (-1 for negative `x`) when `y` is negative or not below the number of bits.
            RightShift right_shift(x, y) ["shr", ">>"] WidenedInt -> Same {
                int avx2: integer::right_shift(x, y);
            }
            /// The angle of the point with ordinate `x` and abscissa `y`, from -π to π.
            Atan2 atan2(x, y) ["arctan2"] RealFloating -> Same {
                float avx512: VectorMath::atan2::<I>(x, y);
            }
            /// The hypotenuse, `sqrt(x² + y²)` without overflow.
            Hypot hypot(x, y) [] RealFloating -> Same {
                float avx512: VectorMath::hypot::<I>(x, y);
            }
            /// `x` with the sign of `y`.
            Copysign copysign(x, y) [] RealFloating -> Same {
                float avx2: x.copysign(y);
            }
            /// `ln(e^x + e^y)` without overflow.
            Logaddexp logaddexp(x, y) [] RealFloating -> Same {
                float avx512: float::logaddexp::<_, I>(x, y);
            }
            /// `log2(2^x + 2^y)` without overflow.
            Logaddexp2 logaddexp2(x, y) [] RealFloating -> Same {
                float avx512: float::logaddexp2::<_, I>(x, y);
            }
            /// 0 for negative `x`, 1 for positive `x`, `y` for zero.
            Heaviside heaviside(x, y) [] RealFloating -> Same {
                float avx2: float::heaviside(x, y);
            }
            /// The next number after `x` on the way to `y`.
            Nextafter nextafter(x, y) ["next_up", "next_down"] RealFloating -> Same {
                float avx2: x.next_after(y);
            }
            /// The greatest common divisor.
            Gcd gcd(x, y) [] Int -> Same {
                int base: integer::gcd(x, y);
            }
            /// The least common multiple.
            Lcm lcm(x, y) [] Int -> Same {
                int base: integer::lcm(x, y);
            }

            /// `x` where the condition `c` is true, `y` elsewhere.
            Select select(c, x, y) ["where"] Choice -> Same {
                bool avx2: if c { x } else { y };
                int avx2: if c { x } else { y };
                float avx2: if c { x } else { y };
                complex avx2: if c { x } else { y };
            }
            /// `x` brought between `low` and `high`; NaN if one is NaN.
            Clip clip(x, low, high) ["clamp"] Any -> Same {
                bool avx2: (x | low) & high;
                int avx2: x.max(low).min(high);
                float avx2: float::minimum(float::maximum(x, low), high);
                complex base: {
                    let above = if complex::less_equal(low, x) | complex::is_nan(x) { x } else { low };
                    if complex::less_equal(above, high) | complex::is_nan(above) { above } else { high }
                };
            }
        }
    };
}
pub(crate) use for_each_elementwise;
