/* SPDX-License-Identifier: MIT */
#ifndef ANALYZE_CALLTREE_SORT_H
#define ANALYZE_CALLTREE_SORT_H

#include "analyze/calltree.h"

/**
 * Copies nodes (parents before children) into depth-first order, siblings by name and then module,
 * bytewise.
 *
 * @param out freed by the caller; untouched on failure
 * @return false without memory
 */
bool calltree_sort(const struct strings *strings, const struct calltree_node *nodes, size_t count,
		   struct calltree_node **out);

#endif
