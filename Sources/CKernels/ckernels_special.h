// Special functions of real numbers, to nearly the last place of a double. NaN where they are not defined.
// Not part of the module: only the kernels' own sources include it.
#ifndef CKERNELS_SPECIAL_H
#define CKERNELS_SPECIAL_H

double ck_lgamma(double x);
double ck_digamma(double x);
// Hurwitz's: the sum of (q + k)^-x over k >= 0.
double ck_zeta(double x, double q);
double ck_polygamma(double n, double x);
// The regularised incomplete gamma functions, lower and upper.
double ck_igamma(double a, double x);
double ck_igammac(double a, double x);
double ck_betainc(double a, double b, double x);
double ck_erfinv(double x);
// The inverse of the normal distribution's cumulative function.
double ck_ndtri(double p);

// Modified Bessel functions; `i..e` times e^-|x|, `k..e` times e^x.
double ck_bessel_i0(double x);
double ck_bessel_i1(double x);
double ck_bessel_i0e(double x);
double ck_bessel_i1e(double x);
double ck_bessel_k0(double x);
double ck_bessel_k1(double x);
double ck_bessel_k0e(double x);
double ck_bessel_k1e(double x);

double ck_dawson(double x);
// The exponential integral Ei; NaN below 0, as TensorFlow has it.
double ck_expint(double x);
double ck_fresnel_sin(double x);
double ck_fresnel_cos(double x);
// The dilogarithm of 1 - x.
double ck_spence(double x);

#endif
