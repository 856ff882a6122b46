/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_QUANTILE_H
#define ANALYZE_QUANTILE_H

/** @return z of which a normal variable is greater with probability `tail`, 0 < tail < 1 */
double normal_quantile(double tail);

/** As normal_quantile(), of Student's t with `df` > 0 degrees of freedom, which may be a fraction. */
double student_quantile(double tail, double df);

#endif
