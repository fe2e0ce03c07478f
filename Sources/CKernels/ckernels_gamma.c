// The gamma function's family, and the inverses of the error function. Methods: recurrences and asymptotic series, Euler and
// Maclaurin's sum, power series and continued fractions (Lentz), Halley's iteration.
#define _GNU_SOURCE
#include "ckernels_special.h"
#include <math.h>

static const double EPSILON = 1.1102230246251565e-16, TINY = 1e-300;
enum { MANY = 2000 };

double ck_lgamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

double ck_digamma(double x) {
    if (x == INFINITY || x != x) return x;
    // The integers from 0 down are poles.
    if (x <= 0 && floor(x) == x) return NAN;
    double result = 0;
    if (x < 0) {
        const double fraction = x - floor(x);
        if (fraction != 0.5) result = -M_PI / tan(M_PI * fraction);
        x = 1 - x;
    }
    for (; x < 10; x += 1) result -= 1 / x;
    const double z = 1 / (x * x);
    const double series = z
        * (1.0 / 12
           - z
               * (1.0 / 120
                  - z * (1.0 / 252 - z * (1.0 / 240 - z * (1.0 / 132 - z * (691.0 / 32760 - z * (1.0 / 12)))))));
    return result + log(x) - 0.5 / x - series;
}

double ck_zeta(double x, double q) {
    // (2k)! / B2k
    static const double factors[] = {
        12.0, -720.0, 30240.0, -1209600.0, 47900160.0, -1.8924375803183791606e9, 7.47242496e10, -2.950130727918164224e12,
        1.1646782814350067249e14, -4.5979787224074726105e15, 1.8152105401943546773e17, -7.1661652561756670113e18,
    };
    if (x != x || q != q) return NAN;
    if (x == 1) return INFINITY;
    if (x < 1) return NAN;
    if (q <= 0) {
        if (floor(q) == q) return fmod(x, 2) == 0 ? INFINITY : NAN;
        if (floor(x) != x) return NAN;
    }
    double sum = pow(q, -x), a = q, b = 0;
    for (int i = 0; i < 9 || a <= 9;) {
        i++;
        a += 1;
        b = pow(a, -x);
        sum += b;
        if (fabs(b) <= EPSILON * fabs(sum)) return sum;
        if (i > 100000) return NAN;
    }
    sum += b * a / (x - 1) - 0.5 * b;
    double factor = 1, k = 0;
    for (int i = 0; i < 12; i++) {
        factor *= x + k;
        b /= a;
        const double term = factor * b / factors[i];
        sum += term;
        if (fabs(term) < EPSILON * fabs(sum)) return sum;
        k += 1;
        factor *= x + k;
        b /= a;
        k += 1;
    }
    return sum;
}

double ck_polygamma(double n, double x) {
    if (n != n || n < 0 || floor(n) != n) return NAN;
    if (n == 0) return ck_digamma(x);
    const double sign = fmod(n, 2) == 0 ? -1 : 1;
    return sign * exp(ck_lgamma(n + 1)) * ck_zeta(n + 1, x);
}

// x^a e^-x / Gamma(a + 1), without the overflow of its parts: for large a by way of x / a, near 1 where it matters.
static double gamma_prefix(double a, double x) {
    if (a < 30) return exp(a * log(x) - x - ck_lgamma(a + 1));
    const double d = (x - a) / a;
    const double exponent = fabs(d) < 0.3 ? a * (log1p(d) - d) : a * log(x / a) - x + a;
    const double z = 1 / (a * a);
    const double stirling = (1.0 / 12 - z * (1.0 / 360 - z * (1.0 / 1260 - z / 1680))) / a;
    return exp(exponent - stirling) / sqrt(2 * M_PI * a);
}

static double igamma_series(double a, double x) {
    double term = 1, sum = 1;
    for (int k = 1; k < MANY * 10; k++) {
        term *= x / (a + k);
        sum += term;
        if (term < sum * EPSILON) break;
    }
    return sum * gamma_prefix(a, x);
}

// A continued fraction by Lentz's method.
typedef struct { double c, d, h; } fraction;

static double not_zero(double x) { return fabs(x) < TINY ? TINY : x; }

// Another step, with the partial numerator and denominator; returns whether it made no difference any more.
static int advance(fraction *f, double numerator, double denominator) {
    f->d = 1 / not_zero(denominator + numerator * f->d);
    f->c = not_zero(denominator + numerator / f->c);
    f->h *= f->d * f->c;
    return fabs(f->d * f->c - 1) < 2 * EPSILON;
}

static double igammac_fraction(double a, double x) {
    double b = x + 1 - a;
    fraction f = {1 / TINY, 1 / b, 1 / b};
    for (int i = 1; i < MANY * 10; i++) {
        b += 2;
        if (advance(&f, -i * (i - a), b)) break;
    }
    return f.h * gamma_prefix(a, x) * a;
}

double ck_igamma(double a, double x) {
    if (x == 0 && a > 0) return 0;
    if (!(x >= 0) || !(a > 0)) return NAN;
    if (isinf(a)) return isinf(x) ? NAN : 0;
    if (isinf(x)) return 1;
    return x > 1 && x > a ? 1 - igammac_fraction(a, x) : igamma_series(a, x);
}

double ck_igammac(double a, double x) {
    if (!(x >= 0) || !(a > 0)) return NAN;
    if (x == 0) return 1;
    if (isinf(a)) return isinf(x) ? NAN : 1;
    if (isinf(x)) return 0;
    return x < 1 || x < a ? 1 - igamma_series(a, x) : igammac_fraction(a, x);
}

static double betainc_fraction(double a, double b, double x) {
    const double first = 1 / not_zero(1 - (a + b) * x / (a + 1));
    fraction f = {1, first, first};
    for (int m = 1; m < MANY * 10; m++) {
        (void)advance(&f, m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1);
        if (advance(&f, -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1)) break;
    }
    return f.h;
}

double ck_betainc(double a, double b, double x) {
    if (!(a > 0) || !(b > 0) || !(x >= 0) || !(x <= 1)) return NAN;
    if (x == 0 || x == 1) return x;
    const double front = exp(ck_lgamma(a + b) - ck_lgamma(a) - ck_lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * betainc_fraction(a, b, x) / a;
    return 1 - front * betainc_fraction(b, a, 1 - x) / b;
}

// The y >= 0 with erfc y = q, for q <= 1. The first guess is Winitzki's.
static double erfcinv(double q) {
    const double l = log(q) + log(2 - q);
    const double t = 2 / (M_PI * 0.147) + l / 2;
    double y = sqrt(sqrt(t * t - l / 0.147) - t);
    for (int i = 0; i < 4; i++) {
        // In terms of log erfc where erfc has run out of digits, which is where it is steep.
        const double e = erfc(y), slope = -2 / sqrt(M_PI) * exp(-y * y);
        if (e == 0 || slope == 0) break;
        const double u = e < 1e-3 ? (log(e) - log(q)) * e / slope : (e - q) / slope;
        const double step = e < 1e-3 ? u : u / (1 + y * u);
        y -= step;
        if (fabs(step) < 1e-17 * y) break;
    }
    return y;
}

double ck_erfinv(double x) {
    const double magnitude = fabs(x);
    if (!(magnitude <= 1)) return NAN;
    if (magnitude == 1) return copysign(INFINITY, x);
    if (magnitude > 0.5) return copysign(erfcinv(1 - magnitude), x);
    double y = magnitude * sqrt(M_PI) / 2;
    for (int i = 0; i < 6; i++) {
        const double u = (erf(y) - magnitude) * (sqrt(M_PI) / 2) * exp(y * y);
        y -= u / (1 + y * u);
    }
    return copysign(y, x);
}

double ck_ndtri(double p) {
    if (!(p >= 0 && p <= 1)) return NAN;
    if (p == 0) return -INFINITY;
    if (p == 1) return INFINITY;
    if (fabs(p - 0.5) < 0.2) return M_SQRT2 * ck_erfinv(2 * (p - 0.5));
    return p < 0.5 ? -M_SQRT2 * erfcinv(2 * p) : M_SQRT2 * erfcinv(2 * (1 - p));
}
