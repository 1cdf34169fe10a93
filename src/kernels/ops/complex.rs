//! Functions of complex numbers.
//!
//! They are computed in double precision, `complex64` too. Branch cuts are C's and NumPy's: the sign of a zero says on
//! which side of a cut a number lies. The inverse functions follow W. Kahan, *Branch cuts for complex elementary
//! functions* (1987); the square root is scaled as in FreeBSD's `csqrt`. Results for infinite and NaN arguments are
//! infinite or NaN, but not always in the part where Annex G of the C standard puts them.

use std::f64::consts::{FRAC_PI_2, LN_2, LOG2_E, LOG10_E};

use num_complex::Complex;

use crate::element::{C32, C64, Float};

/// A complex element type that passes through double precision.
pub(super) trait ThroughC64: Copy {
    /// `f` of this number.
    fn through(self, f: impl Fn(C64) -> C64) -> Self;
    /// `f` of this number and another one.
    fn through2(self, other: Self, f: impl Fn(C64, C64) -> C64) -> Self;
}

impl ThroughC64 for C64 {
    fn through(self, f: impl Fn(C64) -> C64) -> C64 {
        f(self)
    }
    fn through2(self, other: C64, f: impl Fn(C64, C64) -> C64) -> C64 {
        f(self, other)
    }
}

fn widen(z: C32) -> C64 {
    C64::new(z.re as f64, z.im as f64)
}

fn narrow(z: C64) -> C32 {
    C32::new(z.re as f32, z.im as f32)
}

impl ThroughC64 for C32 {
    fn through(self, f: impl Fn(C64) -> C64) -> C32 {
        narrow(f(widen(self)))
    }
    fn through2(self, other: C32, f: impl Fn(C64, C64) -> C64) -> C32 {
        narrow(f(widen(self), widen(other)))
    }
}

/// Whether either part is NaN.
#[inline(always)]
pub(super) fn is_nan<T: Float>(z: Complex<T>) -> bool {
    z.re != z.re || z.im != z.im
}

/// Whether the number counts as true.
#[inline(always)]
pub(super) fn truth<T: Float>(z: Complex<T>) -> bool {
    let zero = <T as num_traits::Zero>::zero();
    z.re != zero || z.im != zero
}

/// NumPy's order: by the real part, then by the imaginary one; nothing is less than a number with a NaN.
#[inline(always)]
pub(super) fn less<T: Float>(x: Complex<T>, y: Complex<T>) -> bool {
    (x.re < y.re && x.im == x.im && y.im == y.im) || (x.re == y.re && x.im < y.im)
}

/// [`less`], or equal.
#[inline(always)]
pub(super) fn less_equal<T: Float>(x: Complex<T>, y: Complex<T>) -> bool {
    (x.re < y.re && x.im == x.im && y.im == y.im) || (x.re == y.re && x.im <= y.im)
}

/// `x / y` by R. L. Smith's algorithm (1962), which does not square the divisor.
#[inline(always)]
pub(super) fn divide<T: Float>(x: Complex<T>, y: Complex<T>) -> Complex<T> {
    let (zero, one) = (<T as num_traits::Zero>::zero(), <T as num_traits::One>::one());
    if y.re.abs() >= y.im.abs() {
        if y.re == zero && y.im == zero {
            return Complex::new(x.re / y.re.abs(), x.im / y.re.abs());
        }
        let ratio = y.im / y.re;
        let scale = one / (y.re + y.im * ratio);
        Complex::new((x.re + x.im * ratio) * scale, (x.im - x.re * ratio) * scale)
    } else {
        let ratio = y.re / y.im;
        let scale = one / (y.im + y.re * ratio);
        Complex::new((x.re * ratio + x.im) * scale, (x.im * ratio - x.re) * scale)
    }
}

/// `1 / z`.
#[inline(always)]
pub(super) fn reciprocal<T: Float>(z: Complex<T>) -> Complex<T> {
    divide(Complex::new(<T as num_traits::One>::one(), <T as num_traits::Zero>::zero()), z)
}

/// The point of the unit circle in the direction of `z`; 0 for 0.
pub(super) fn sign(z: C64) -> C64 {
    let size = z.re.hypot(z.im);
    match (z.re.is_infinite(), z.im.is_infinite()) {
        (true, true) => C64::new(f64::NAN, f64::NAN),
        (true, false) => C64::new(z.re.signum(), 0.0),
        (false, true) => C64::new(0.0, z.im.signum()),
        (false, false) if size.is_nan() => C64::new(f64::NAN, f64::NAN),
        (false, false) if size == 0.0 => C64::new(0.0, 0.0),
        (false, false) => z / size,
    }
}

/// The square root with a real part that is not negative.
pub(super) fn sqrt(z: C64) -> C64 {
    if z.re == 0.0 && z.im == 0.0 {
        return C64::new(0.0, z.im);
    }
    if z.im.is_infinite() {
        return C64::new(f64::INFINITY, z.im);
    }
    if z.re == f64::NEG_INFINITY {
        return C64::new((z.im - z.im).abs(), f64::INFINITY.copysign(z.im));
    }
    if z.re == f64::INFINITY {
        return C64::new(z.re, if z.im.is_nan() { z.im } else { 0f64.copysign(z.im) });
    }
    let huge = z.re.abs() >= f64::MAX / 4.0 || z.im.abs() >= f64::MAX / 4.0;
    let w = if huge { z * 0.25 } else { z };
    let root = ((w.re.abs() + w.re.hypot(w.im)) * 0.5).sqrt();
    let other = w.im.abs() / (2.0 * root);
    let result = if w.re >= 0.0 { C64::new(root, other.copysign(w.im)) } else { C64::new(other, root.copysign(w.im)) };
    if huge { result * 2.0 } else { result }
}

/// `e^z`.
pub(super) fn exp(z: C64) -> C64 {
    if z.im == 0.0 {
        return C64::new(z.re.exp(), z.im);
    }
    if z.re == f64::NEG_INFINITY {
        return if z.im.is_finite() { C64::from_polar(0.0, z.im) } else { C64::new(0.0, 0.0) };
    }
    if z.re == f64::INFINITY && !z.im.is_finite() {
        return C64::new(f64::INFINITY, f64::NAN);
    }
    // In two steps: the exponential may overflow where its product with a small cosine does not.
    let (sin, cos) = z.im.sin_cos();
    if z.re > 709.0 {
        let half = (z.re * 0.5).exp();
        return C64::new(half * cos * half, half * sin * half);
    }
    let size = z.re.exp();
    C64::new(size * cos, size * sin)
}

/// `2^z`.
pub(super) fn exp2(z: C64) -> C64 {
    if z.im == 0.0 { C64::new(z.re.exp2(), z.im) } else { exp(z * LN_2) }
}

/// `e^z - 1`.
pub(super) fn expm1(z: C64) -> C64 {
    if z.im == 0.0 {
        return C64::new(z.re.exp_m1(), z.im);
    }
    let half = (z.im * 0.5).sin();
    let exp = exp(z);
    // expm1(x) cos y - (1 - cos y) loses no digits near zero.
    let re = if z.re.abs() < 1.0 { z.re.exp_m1() * z.im.cos() - 2.0 * half * half } else { exp.re - 1.0 };
    C64::new(re, exp.im)
}

/// The natural logarithm, cut along the negative real axis.
pub(super) fn ln(z: C64) -> C64 {
    let (large, small) = if z.re.abs() >= z.im.abs() { (z.re.abs(), z.im.abs()) } else { (z.im.abs(), z.re.abs()) };
    let re = if (0.5..1.5).contains(&large) && small < 1.0 {
        0.5 * ((large - 1.0) * (large + 1.0) + small * small).ln_1p()
    } else if large > f64::MAX / 4.0 {
        (large * 0.25).hypot(small * 0.25).ln() + 2.0 * LN_2
    } else {
        large.hypot(small).ln()
    };
    C64::new(re, z.im.atan2(z.re))
}

/// The logarithm to base 2.
pub(super) fn log2(z: C64) -> C64 {
    ln(z) * LOG2_E
}

/// The logarithm to base 10.
pub(super) fn log10(z: C64) -> C64 {
    ln(z) * LOG10_E
}

/// `ln(1 + z)`.
pub(super) fn log1p(z: C64) -> C64 {
    let near = z.re > -0.5 && z.re < 1.0 && z.im.abs() < 1.0;
    let re = if near { 0.5 * (z.re * (2.0 + z.re) + z.im * z.im).ln_1p() } else { ln(z + 1.0).re };
    C64::new(re, z.im.atan2(1.0 + z.re))
}

/// `x` to the power of `y`: `0^0` is 1; small whole powers are products.
pub(super) fn power(x: C64, y: C64) -> C64 {
    if y.re == 0.0 && y.im == 0.0 {
        return C64::new(1.0, 0.0);
    }
    if x.re == 0.0 && x.im == 0.0 {
        return if y.re > 0.0 { C64::new(0.0, 0.0) } else { C64::new(f64::NAN, f64::NAN) };
    }
    if y.im == 0.0 && y.re.fract() == 0.0 && y.re.abs() <= 100.0 {
        let product = x.powu(y.re.abs() as u32);
        return if y.re < 0.0 { reciprocal(product) } else { product };
    }
    exp(y * ln(x))
}

/// The hyperbolic sine.
pub(super) fn sinh(z: C64) -> C64 {
    if z.im == 0.0 {
        return C64::new(z.re.sinh(), z.im);
    }
    let (sin, cos) = z.im.sin_cos();
    C64::new(if z.re == 0.0 { z.re } else { z.re.sinh() * cos }, z.re.cosh() * sin)
}

/// The hyperbolic cosine.
pub(super) fn cosh(z: C64) -> C64 {
    let (sin, cos) = z.im.sin_cos();
    // At either axis the imaginary part is a zero, also where the other part is infinite.
    let flat = z.im == 0.0 || z.re == 0.0;
    C64::new(z.re.cosh() * cos, if flat { 0f64.copysign(z.re) * 1f64.copysign(z.im) } else { z.re.sinh() * sin })
}

/// The hyperbolic tangent.
pub(super) fn tanh(z: C64) -> C64 {
    if z.re.abs() > 22.0 {
        let (sin, cos) = z.im.sin_cos();
        let im = if z.im.is_finite() { 4.0 * sin * cos * (-2.0 * z.re.abs()).exp() } else { 0.0 };
        return C64::new(1f64.copysign(z.re), im);
    }
    let tan = z.im.tan();
    let (stretch, sinh) = (1.0 + tan * tan, z.re.sinh());
    let root = (1.0 + sinh * sinh).sqrt();
    let below = 1.0 + stretch * sinh * sinh;
    if tan.is_infinite() {
        return C64::new(root / sinh, 1.0 / tan);
    }
    C64::new(stretch * root * sinh / below, tan / below)
}

/// The inverse hyperbolic sine, cut along the imaginary axis beyond ±i.
pub(super) fn asinh(z: C64) -> C64 {
    unturn(asin(turn(z)))
}

/// The inverse hyperbolic cosine, cut along the real axis below 1.
pub(super) fn acosh(z: C64) -> C64 {
    if is_infinite(z) {
        return C64::new(f64::INFINITY, z.im.atan2(z.re));
    }
    let (below, above) = (sqrt(minus(z, 1.0)), sqrt(z + 1.0));
    C64::new((below.conj() * above).re.asinh(), 2.0 * below.im.atan2(above.re))
}

/// The inverse hyperbolic tangent, cut along the real axis beyond ±1.
pub(super) fn atanh(z: C64) -> C64 {
    // Kahan's: the right half plane, mirrored so that the cut is met from the side that the sign of zero tells.
    let side = 1f64.copysign(z.re);
    let (x, y) = (z.re * side, -z.im * side);
    let limit = f64::MAX.sqrt() / 4.0;
    let (re, im) = if x == 1.0 && y == 0.0 {
        (f64::INFINITY, y)
    } else if x > limit || y.abs() > limit {
        (reciprocal(C64::new(x, y)).re, FRAC_PI_2.copysign(y))
    } else if x == 1.0 {
        let size = y.abs() + 1.0 / limit;
        (((4.0 + y * y).sqrt().sqrt() / size.sqrt()).ln(), 0.5 * (FRAC_PI_2 + (size * 0.5).atan()).copysign(y))
    } else {
        let square = y * y;
        let re = 0.25 * (4.0 * x / ((1.0 - x) * (1.0 - x) + square)).ln_1p();
        (re, 0.5 * (2.0 * y).atan2((1.0 - x) * (1.0 + x) - square))
    };
    C64::new(re * side, -im * side)
}

/// The sine.
pub(super) fn sin(z: C64) -> C64 {
    unturn(sinh(turn(z)))
}

/// The cosine.
pub(super) fn cos(z: C64) -> C64 {
    cosh(turn(z))
}

/// The tangent.
pub(super) fn tan(z: C64) -> C64 {
    unturn(tanh(turn(z)))
}

/// The arc sine, cut along the real axis beyond ±1.
pub(super) fn asin(z: C64) -> C64 {
    if is_infinite(z) {
        return C64::new(z.re.atan2(z.im.abs()), f64::INFINITY.copysign(z.im));
    }
    let (below, above) = (sqrt(one_minus(z)), sqrt(z + 1.0));
    C64::new(z.re.atan2((below * above).re), (below.conj() * above).im.asinh())
}

/// The arc cosine, cut along the real axis beyond ±1.
pub(super) fn acos(z: C64) -> C64 {
    if is_infinite(z) {
        return C64::new(z.im.abs().atan2(z.re), f64::NEG_INFINITY.copysign(-z.im));
    }
    let (below, above) = (sqrt(one_minus(z)), sqrt(z + 1.0));
    C64::new(2.0 * below.re.atan2(above.re), (above.conj() * below).im.asinh())
}

/// The arc tangent, cut along the imaginary axis beyond ±i.
pub(super) fn atan(z: C64) -> C64 {
    unturn(atanh(turn(z)))
}

/// Whether a part is infinite: then the other one, even NaN, tells the direction only.
fn is_infinite(z: C64) -> bool {
    z.re.is_infinite() || z.im.is_infinite()
}

/// `i z`, exactly.
fn turn(z: C64) -> C64 {
    C64::new(-z.im, z.re)
}

/// `-i z`, exactly.
fn unturn(z: C64) -> C64 {
    C64::new(z.im, -z.re)
}

/// `1 - z` with the imaginary part's sign turned, also of a zero.
fn one_minus(z: C64) -> C64 {
    C64::new(1.0 - z.re, -z.im)
}

/// `z - x` with the imaginary part as it is, also a zero.
fn minus(z: C64, x: f64) -> C64 {
    C64::new(z.re - x, z.im)
}
