// SPDX-License-Identifier: MIT
#include "session/verify.h"

#include <errno.h>

/* In `places`, so that 0 is none. */
enum { USER_ADDRESS_BITS = 47 };
enum { IS_KNOWN = 8, WAS_INJECTED = 4, STATE_MASK = 3, PLACES_MAX = 512 * 1024 };

/* @return 0 without memory */
static uint32_t look_at(struct verify *v, const struct unwind_env *env, uint64_t key, uint64_t pc)
{
	struct unwind_place place;
	uint32_t known = map64_get(&v->places, key | pc);
	if (known)
		return known;
	if (v->places.count > PLACES_MAX)
		verify_forget(v);
	unwind_look_at_place(env, pc, &place);
	known = IS_KNOWN | (place.was_injected ? WAS_INJECTED : 0) | (uint32_t)place.state;
	return map64_put(&v->places, key | pc, known) ? known : 0;
}

int verify_stack(struct verify *v, const struct unwind_env *env, uint64_t key, const uint64_t *pcs,
		 uint32_t count, struct profile_meta *meta)
{
	bool is_interrupted = true; /* the innermost one is no return address */
	for (uint32_t i = 0; i < count; i++) {
		bool is_user = pcs[i] >> USER_ADDRESS_BITS == 0; /* not [vsyscall], nor garbage */
		uint32_t place = is_user ? look_at(v, env, key, pcs[i]) : IS_KNOWN;
		if (!place)
			return -ENOMEM;
		uint32_t state = place & STATE_MASK;
		if (!is_interrupted && state == RETURN_FOLLOWS_NO_CALL)
			meta->wrong_returns++;
		if (!is_interrupted &&
		    (state == RETURN_FOLLOWS_CALL || state == RETURN_FOLLOWS_NO_CALL))
			meta->checked_returns++;
		is_interrupted = place & WAS_INJECTED;
	}
	return 0;
}

void verify_forget(struct verify *v)
{
	map64_deinit(&v->places);
}
