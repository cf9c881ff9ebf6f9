# The dynamic linker itself.
linker=/lib64/ld-linux-x86-64.so.2 lib=/lib/x86_64-linux-gnu
$linker /bin/echo run directly; $linker --list /bin/ls | cut -d'(' -f1 | grep -v vdso; $linker --verify /bin/ls; echo $?; $linker --verify /etc/passwd; echo $?; $linker /nonexistent 2>&1; echo $?; $linker --argv0 other /bin/bash -c 'echo $0'
LD_TRACE_LOADED_OBJECTS=1 /usr/bin/python3 | cut -d'(' -f1 | grep -v vdso; LD_DEBUG=files /bin/true 2>&1 | grep -c 'calling init'
mkdir libs; cp $lib/libselinux.so.1 libs; LD_LIBRARY_PATH=$PWD/libs LD_TRACE_LOADED_OBJECTS=1 /bin/ls | grep -c "$PWD/libs/libselinux"; LD_LIBRARY_PATH=$PWD/libs ls -d libs
LD_PRELOAD=$lib/libm.so.6 LD_TRACE_LOADED_OBJECTS=1 /bin/true | grep -c libm; LD_PRELOAD=/nonexistent.so /bin/echo preloaded 2>&1; LD_BIND_NOW=1 sort --version | head -n 1; $linker --preload $lib/libm.so.6 --library-path $lib /bin/echo with preload
LD_PRELOAD=$lib/libmemusage.so /bin/true 2>&1 | grep -c 'total memory'; LD_PRELOAD=$lib/libc_malloc_debug.so.0 MALLOC_CHECK_=3 /bin/echo checked
echo not a library > libs/libselinux.so.1; LD_LIBRARY_PATH=$PWD/libs ls 2>&1 | cut -d: -f2-; head -c 2000 $lib/libselinux.so.1 > libs/libselinux.so.1; LD_LIBRARY_PATH=$PWD/libs ls 2>&1 | cut -d: -f2- ; rm libs/libselinux.so.1; LD_LIBRARY_PATH=$PWD/libs ls -d libs
cp /usr/bin/sqlite3 other; cp $lib/../x86_64-linux-gnu/ld-linux-x86-64.so.2 linker; ./linker ./other :memory: 'select 6 * 7;'; chmod -x linker; ./linker /bin/true 2>&1; echo $?
cp /bin/bash suid; chown 1000 suid; chmod u+s suid; LD_PRELOAD=/nonexistent/x.so ./suid -p -c 'echo "effective $EUID"' 2>&1; ./suid -p -c 'LD_PRELOAD=./x.so /bin/true' 2>&1 | cut -d: -f2-
cd /proc/self 2> /dev/null && grep -q 'r-xp.*ld-linux-x86-64.so.2' maps && echo linker mapped; cd /var/session; grep -E 'r-xp.*(grep|libc.so)' /proc/self/maps | cut -d' ' -f2; grep -c 'rwxp' /proc/self/maps
python3 -c 'import _hashlib, _ssl; print(_ssl.OPENSSL_VERSION, _hashlib.openssl_sha256(b"x").hexdigest()[:16])'; python3 -c 'import importlib.util, sys
for bad in (b"", b"junk" * 100, open("/lib/x86_64-linux-gnu/libm.so.6", "rb").read()[:3000]):
    open("/tmp/bad.so", "wb").write(bad)
    try: importlib.util.module_from_spec(importlib.util.spec_from_file_location("bad", "/tmp/bad.so"))
    except ImportError as error: print(error)'
