// Bessel functions and integrals of exponentials. Methods: power series of positive terms near 0, asymptotic series far
// away, sums of an integral (trapezoidal rule, Rybicki's formula), a continued fraction, Euler's reflection.
#define _GNU_SOURCE
#include "ckernels_compile.h"
#include "ckernels_special.h"
#include "ckernels_types.h"
#include <math.h>

static const double EPSILON = 1.1102230246251565e-16, EULER = 0.57721566490153286061;
enum { MANY = 500 };

// I_order(|x|) e^-|x|
static double scaled_i(int order, double x) {
    const double magnitude = fabs(x);
    if (magnitude < 30) {
        const double z = magnitude * magnitude / 4;
        double term = order == 0 ? 1 : magnitude / 2, sum = term;
        for (int k = 1; k < MANY && term > sum * EPSILON; k++) sum += term *= z / ((double)k * (k + order));
        return sum * exp(-magnitude);
    }
    const double mu = 4.0 * order * order;
    double term = 1, sum = 1;
    for (int k = 1; k < 60; k++) {
        const double odd = 2 * k - 1, next = term * -(mu - odd * odd) / (k * 8 * magnitude);
        if (fabs(next) < EPSILON || fabs(next) > fabs(term)) break;
        sum += term = next;
    }
    return sum / sqrt(2 * M_PI * magnitude);
}

double ck_bessel_i0e(double x) { return scaled_i(0, x); }
double ck_bessel_i1e(double x) { return copysign(scaled_i(1, x), x); }
double ck_bessel_i0(double x) { return scaled_i(0, x) * exp(fabs(x)); }
double ck_bessel_i1(double x) { return copysign(scaled_i(1, x) * exp(fabs(x)), x); }

// K_order(x) e^x, by Basset's integral beyond 1.
static double scaled_k(int order, double x) {
    if (x != x) return x;
    // As TensorFlow has it also below 0, where there is no value.
    if (x <= 0) return INFINITY;
    if (isinf(x)) return 0;
    if (x > 1) {
        // The integrand falls below all that matters where x (cosh t - 1) > 45.
        const double end = acosh(1 + 45 / x), step = end / 64;
        // sinh (t / 2) from step to step, by the theorem of addition; cosh t - 1 is twice its square.
        const double twice = 2 * cosh(step / 2);
        double sum = 0.5, before = 0, s = sinh(step / 2);
        for (int i = 1; i <= 64; i++) {
            const double c = 2 * s * s, next = twice * s - before;
            sum += exp(-x * c) * (order == 0 ? 1 : 1 + c);
            before = s;
            s = next;
        }
        return sum * step;
    }
    const double z = x * x / 4, l = log(x / 2);
    double sum;
    if (order == 0) {
        double term = 1, harmonic = 0;
        sum = -l - EULER;
        for (int k = 1; k < 40; k++) {
            term *= z / ((double)k * k);
            harmonic += 1.0 / k;
            sum += term * (harmonic - l - EULER);
        }
    } else {
        double term = x / 2, one = 0, two = 1;
        sum = 1 / x + term * (l - 0.5 * (1 - 2 * EULER));
        for (int k = 1; k < 40; k++) {
            term *= z / ((double)k * (k + 1));
            one += 1.0 / k;
            two = one + 1.0 / (k + 1);
            sum += term * (l - 0.5 * (one + two - 2 * EULER));
        }
    }
    return sum * exp(x);
}

double ck_bessel_k0e(double x) { return scaled_k(0, x); }
double ck_bessel_k1e(double x) { return scaled_k(1, x); }
double ck_bessel_k0(double x) { return scaled_k(0, x) * exp(-x); }
double ck_bessel_k1(double x) { return scaled_k(1, x) * exp(-x); }

double ck_dawson(double x) {
    const double magnitude = fabs(x);
    if (magnitude < 0.2) {
        const double z = x * x;
        double term = x, sum = x;
        for (int k = 1; k < 20; k++) sum += term *= -2 * z / (2 * k + 1);
        return sum;
    }
    if (isinf(x)) return copysign(0, x);
    if (magnitude > 1e7) return 0.5 / x;
    // Rybicki: sums over odd numbers about the even one next to x.
    const double h = 0.4, even = 2 * floor(0.5 * magnitude / h + 0.5), offset = magnitude - even * h;
    double sum = 0;
    for (int i = 1; i < 34; i += 2) {
        const double up = offset - i * h, down = offset + i * h;
        sum += exp(-up * up) / (even + i) + exp(-down * down) / (even - i);
    }
    return copysign(sum / sqrt(M_PI), x);
}

double ck_expint(double x) {
    if (!(x >= 0)) return NAN;
    if (x == 0) return -INFINITY;
    if (isinf(x)) return INFINITY;
    double term = 1, sum;
    if (x > 40) {
        sum = 1;
        for (int k = 1; k < x && term > EPSILON; k++) sum += term *= k / x;
        return exp(x) / x * sum;
    }
    sum = EULER + log(x);
    for (int k = 1; k < MANY; k++) {
        term *= x / k;
        sum += term / k;
        if (term / k < EPSILON * fabs(sum)) break;
    }
    return sum;
}

// Both Fresnel integrals: C + i S.
static double _Complex fresnel(double x) {
    const double magnitude = fabs(x);
    double _Complex result;
    if (magnitude < 1.5) {
        const double z = M_PI / 2 * x * x;
        double term = magnitude, parts[2] = {magnitude, 0}, sign = 1;
        for (int k = 1; k < 60; k++) {
            term *= z / k;
            if (k % 2 == 0) sign = -sign;
            parts[k % 2] += sign * term / (2 * k + 1);
            if (term < EPSILON * 1e-3) break;
        }
        result = ck_complex(parts[0], parts[1]);
    } else if (isinf(x)) {
        result = ck_complex(0.5, 0.5);
    } else {
        // Lentz's method for erfc of a complex number.
        const double z = M_PI * magnitude * magnitude;
        double _Complex b = ck_complex(1, -z), c = 1e300, d = 1 / b, h = d;
        double n = -1;
        for (int k = 2; k < MANY; k++) {
            n += 2;
            const double a = -n * (n + 1);
            b += 4;
            d = 1 / (a * d + b);
            c = b + a / c;
            h *= c * d;
            if (cabs(c * d - 1) < 4 * EPSILON) break;
        }
        // The phase to its last digit: only x^2 modulo 4 matters.
        const double square = magnitude * magnitude, lost = fma(magnitude, magnitude, -square);
        const double phase = M_PI / 2 * (fmod(square, 4) + lost);
        h *= ck_complex(magnitude, -magnitude);
        result = ck_complex(0.5, 0.5) * (1 - ck_complex(cos(phase), sin(phase)) * h);
    }
    return ck_complex(copysign(creal(result), x), copysign(cimag(result), x));
}

double ck_fresnel_sin(double x) { return x != x ? x : cimag(fresnel(x)); }
double ck_fresnel_cos(double x) { return x != x ? x : creal(fresnel(x)); }

// The dilogarithm for |x| <= 1/2.
static double dilogarithm(double x) {
    double power = x, sum = x;
    for (int k = 2; k < 60; k++) {
        power *= x;
        sum += power / ((double)k * k);
        if (fabs(power) < EPSILON * fabs(sum)) break;
    }
    return sum;
}

double ck_spence(double x) {
    if (!(x >= 0) || isinf(x)) return NAN;
    const double third = M_PI * M_PI / 6;
    if (x == 0) return third;
    if (x < 0.5) return third - log(x) * log1p(-x) - dilogarithm(x);
    if (x <= 1.5) return dilogarithm(1 - x);
    const double l = log(x);
    // Through 1 / x, in (0, 2/3).
    return -0.5 * l * l - (x < 2 ? dilogarithm(1 - 1 / x) : third - log(1 / x) * log1p(-1 / x) - dilogarithm(1 / x));
}
