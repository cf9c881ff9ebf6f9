# gcc with what it runs: one file, several with make, libraries, static.
cat > hello.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <math.h>
int main(int argc, char **argv)
{
	printf("hello from %d arguments, sqrt %.3f, %s\n", argc - 1, sqrt(2.0 * argc), strerror(ENOENT));
	return argc > 1 ? atoi(argv[1]) : 0;
}
C
gcc -Wall -O2 -o hello hello.c -lm; echo "gcc $?"; ./hello; ./hello 7 x; echo $?
echo 'int main(void) { return undeclared; }' > bad.c; gcc -c bad.c 2>&1; echo "gcc $?"
gcc -E -P - <<< $'#define X(a) #a\nX(one two)'; gcc -S -O1 -o - hello.c | grep -c call; gcc -c -g hello.c && nm hello.o; readelf -h hello | grep -E 'Type|Machine'; objdump -d hello.o | tail -n 2; size hello.o
gcc -static -o static hello.c -lm && ./static 3; echo $?
gcc -pthread -x c -o threads - <<'C' && ./threads
#include <pthread.h>
#include <stdio.h>
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int total;
static void *work(void *argument) { for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&lock); total++; pthread_mutex_unlock(&lock); } return argument; }
int main(void)
{
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
	printf("%d\n", total);
	return 0;
}
C
