/* SPDX-License-Identifier: MIT */
/* silent-service: a service of the tests that never says that it is ready, and does nothing at all until it is ended. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
