/* SPDX-License-Identifier: MIT */
#include "capability.h"
#include "profile.h"

int profile_drop_capabilities(const struct profile *profile)
{
	return capability_set_for_exec(profile->capabilities);
}
