# Threads, garbage, children, faults that become exceptions.
export PATH=/usr/lib/jvm/java-17-openjdk-amd64/bin:$PATH
java -version 2>&1 | head -n 1
cat > All.java <<'JAVA'
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;

public class All {
	static int deeper(int i) { return deeper(i + 1) + 1; }

	public static void main(String[] arguments) throws Exception {
		System.out.println(System.getProperty("os.name"));
		ExecutorService pool = Executors.newFixedThreadPool(4);
		List<Future<Long>> sums = new ArrayList<>();
		for (int i = 1; i <= 8; i++) {
			final int by = i;
			sums.add(pool.submit(() -> { long sum = 0; for (int j = 0; j < 1000000; j++) sum += j % by; return sum; }));
		}
		for (Future<Long> sum : sums)
			System.out.println(sum.get());
		pool.shutdown();
		Files.writeString(Path.of("text"), "kept");
		System.out.println(Files.readString(Path.of("text")));
		System.out.println(new ProcessBuilder("sh", "-c", "echo from a shell; exit 4").inheritIO().start().waitFor());
		byte[][] garbage = new byte[300][];
		for (int round = 0; round < 10; round++)
			for (int i = 0; i < garbage.length; i++)
				garbage[i] = new byte[100000];
		System.gc();
		try { ((Object)null).hashCode(); } catch (NullPointerException nothing) { System.out.println("null"); }
		try { deeper(0); } catch (StackOverflowError deep) { System.out.println("too deep"); }
		Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("end")));
		System.exit(5);
	}
}
JAVA
java -Xmx256m All.java; echo "status $?"
