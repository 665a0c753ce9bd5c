"""launch/where_time_went.py: of made-up logs the slowest compilations and tests of one check, and its phases as launch/phase.sh measures them."""
import os
import pathlib
import subprocess
import sys
import tempfile

from program import SOURCE

SINCE = 1_700_000_000


def said(build, phases):
    process = subprocess.run([sys.executable, SOURCE / "launch/where_time_went.py", build, str(SINCE)], input=phases, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout


def write_logs(build):
    job = lambda start, end, second, output, command: f"{start}\t{end}\t{(SINCE + second) * 10**9}\t{output}\t{command}\n"
    jobs = [job(0, 1000 * k, 1, f"src/room/CMakeFiles/room.dir/file{k}.cpp.o", k) for k in range(12)]
    jobs += [job(0, 99000, -1, "src/room/CMakeFiles/room.dir/earlier.cpp.o", "a"), job(0, 88000, 1, "explaind", "b"),  # a link is no compilation
             job(5, 30005, 1, "pch.hpp.gch", "c"), job(5, 30005, 1, "pch.hpp.d", "c")]
    (build / ".ninja_log").write_text("# ninja log v5\n" + "".join(jobs))
    tests = [f"{k}/13 Testing: test{k}\n{k}/13 Test: test{k}\nOutput:\nTest 7 took 5 sec\nTest time = {3 * k}.50 sec\nTest Passed.\n" for k in range(1, 14)]
    (build / "Testing/Temporary").mkdir(parents=True)
    (build / "Testing/Temporary/LastTest.log").write_text("".join(tests))


def main():
    with tempfile.TemporaryDirectory() as folder:
        build = pathlib.Path(folder)
        write_logs(build)
        lines = said(build, "70\t130\tTests\n8\t2\tSet-up, with tools\n").splitlines()
        assert lines[:3] == ["Phases:", "      70.0 s  Tests (130 s of processor time)", "       8.0 s  Set-up, with tools (2 s of processor time)"], lines
        assert lines[3] == "Compilations, the slowest of 13 (96 s, one by one):", lines
        assert lines[4:7] == ["      30.0 s  pch.hpp", "      11.0 s  src/room/file11.cpp", "      10.0 s  src/room/file10.cpp"], lines
        assert lines[13:15] == ["       3.0 s  src/room/file3.cpp", "Tests, the slowest of 13 (280 s, one by one):"], lines
        assert lines[15] == "      39.5 s  test13" and lines[24] == "      12.5 s  test4" and len(lines) == 25, lines
        os.utime(build / "Testing/Temporary/LastTest.log", (SINCE - 1, SINCE - 1))  # the build failed, and no test was run
        assert "Tests, " not in said(build, "") and "Compilations" in said(build, "")
        (build / ".ninja_log").unlink()
        assert said(build, "") == "Phases:\n"
        shell = 'set -euo pipefail; source launch/phase.sh; set +e; phase "burns and sleeps" bash -c \'"$0" -c "$1"; sleep 2; exit 3\' "$BURNER" "$BURNT"; ' \
                'echo $?; set -e; phase "none" true; printf "%s\\n" "${phase_times[@]}"'
        burnt = "import time\nwhile time.process_time() < 2.1: pass"  # of the processor, however much of it others take
        process = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, cwd=SOURCE,
                                 env=dict(os.environ, BURNER=sys.executable, BURNT=burnt))
        (seconds, processor, name), last = process.stdout.splitlines()[-2].split("\t"), process.stdout.splitlines()[-1]
        assert name == "burns and sleeps" and 4 <= int(seconds) < 120 and 2 <= int(processor) <= 6, process.stdout
        assert last.split("\t")[2] == "none" and "FAILED (exit 3)" in process.stderr, process
    print("phases, compilations and tests are told apart and sorted")


main()
