"""Whatever the process that reads an upload does, the one that started it lives, knows why, and goes on."""

from __future__ import annotations

import functools
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from hydrants.errors import UploadRejected
from hydrants.formats import Limits, Photo
from hydrants.formats.frames import MAX_PAYLOAD_BYTES, Kind
from hydrants.reading import answers, isolation
from hydrants.reading.answers import Rows, SheetEnds
from hydrants.reading.process import Process
from tests.conftest import unavailable
from tests.reading_programs import children, frames, open_files, reader
from tests.sheets import repacked
from tests.valid_files import sound_files

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes this from a process")
CSV = b"Datum;Adres\n14/03/2019;Dorpsstraat 14\n"


def parts_of(path: Path, program: tuple[str, ...], **limits: int) -> list[answers.Part]:
    return list(isolation.read(path, None, Limits(**limits), program))


def texts_of(path: Path, body: str) -> list[Any]:
    """What a reader finds out, a row each."""
    found = parts_of(path, reader(body))
    return [cells[0] for part in found if isinstance(part, Rows) for cells in part.cells]


def outcome_of(path: Path, attempt: str) -> str:
    """What became of an expression in the reading process: its value, or the name of its error number."""
    body = f"""
        try:
            outcome = repr({attempt})
        except OSError as error:
            outcome = errno.errorcode[error.errno]
        yield 1, [outcome]
    """
    (outcome,) = texts_of(path, body)
    return outcome


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lijst.csv"
    path.write_bytes(CSV)
    return path


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    """After every test, no process and no open file of it remains."""
    if sys.platform != "linux":
        yield
        return
    before = children(), open_files()
    yield
    assert (children() - before[0], open_files() - before[1]) == (set(), 0)


# -- what the process has not --------------------------------------------------------------------


def test_it_has_none_of_our_secrets(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "HYDRANTS_DATABASE_URL": "postgresql://u:geheim@db/hydrants",
        "PGPASSWORD": "geheim",
        "AIRFLOW__CORE__FERNET_KEY": "geheim",
        "PYTHONPATH": "/geheim",
        "HOME": "/geheim",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    (found,) = texts_of(file, "yield 1, [orjson.dumps([dict(os.environ), os.getcwd(), sys.path]).decode()]")
    environment, folder, paths = orjson.loads(found)
    assert set(environment) <= {
        "LANG",
        "LC_CTYPE",
        "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    }
    assert folder == "/"
    assert "geheim" not in found
    assert paths
    assert "" not in paths


def test_it_has_none_of_our_open_files(file: Path) -> None:
    with file.open("rb") as ours:
        os.set_inheritable(ours.fileno(), True)
        (found,) = texts_of(
            file,
            """
            held = []
            for number in range(3, 64):
                try:
                    os.fstat(number)
                    held.append(number)
                except OSError:
                    pass
            yield 1, [repr(held)]
        """,
        )
    # of its own it has the answer, duplicated
    assert len(json.loads(found)) == 1


@LINUX
@pytest.mark.parametrize(
    "attempt",
    [
        "socket.socket()",
        "socket.socketpair()",
        "socket.create_connection(('127.0.0.1', 1))",
        "subprocess.run(['/bin/true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "os.execv('/bin/true', ['true'])",
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 5)",
        "__import__('resource').prlimit(os.getppid(), 0, (1, 1))",
        "open(sys.argv[1], 'a')",
        "open(sys.argv[1] + '.new', 'w')",
        "os.open(os.path.dirname(sys.argv[1]), os.O_TMPFILE | os.O_RDWR)",
        "os.unlink(sys.argv[1])",
        "os.rename(sys.argv[1], sys.argv[1] + '.old')",
        "os.chmod(sys.argv[1], 0o777)",
        "os.utime(sys.argv[1])",
        "os.symlink('/etc', sys.argv[1] + '.link')",
        "os.mkdir(sys.argv[1] + '.folder')",
        "os.truncate(sys.argv[1], 0)",
        "os.memfd_create('x')",
        "prctl(1, 0)",  # not to end with its parent
        *(  # to whom a file's signals go, and which ones: SIGKILL to the parent, for one
            f"__import__('fcntl').fcntl(1, {command}, {argument})"
            for command, argument in ((8, "os.getppid()"), (10, 9), (15, "bytes(8)"))
        ),
    ],
)
def test_the_filter_refuses_what_no_reader_needs(file: Path, attempt: str) -> None:
    _needs("network")
    assert outcome_of(file, attempt) == "EPERM"
    assert file.read_bytes() == CSV
    assert list(file.parent.iterdir()) == [file]


@LINUX
@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/passwd').read()",
        "open(f'/proc/{os.getppid()}/environ').read()",
        "open('/proc/self/environ').read()",
        "open(os.path.dirname(sys.argv[1]) + '/.env').read()",
        "os.listdir(os.path.dirname(sys.argv[1]))",
        "os.listdir(Path(formats.__file__).parents[2])",
    ],
)
def test_it_sees_no_other_files(file: Path, attempt: str) -> None:
    _needs("files")
    (file.parent / ".env").write_text("HYDRANTS_DATABASE_URL=postgresql://u:geheim@db/hydrants")
    assert outcome_of(file, attempt) == "EACCES"


@LINUX
@pytest.mark.parametrize("number", [435, 437, 468])
def test_calls_that_cannot_be_looked_into_do_not_exist(file: Path, number: int) -> None:
    """clone3 and openat2 have their arguments in memory; what later kernels add, nobody has looked at."""
    _needs("network")
    assert outcome_of(file, f"syscall('a call', {number}, 0, 0, 0, 0)") == "ENOSYS"


@LINUX
def test_calls_of_another_abi_end_the_process(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    _needs("network")
    program = reader("yield 1, [repr(syscall('getpid of x32', 0x4000_0000 + 39))]")
    assert refusal_of(file, program) == isolation.STUCK
    assert f"ended with {-signal.SIGSYS}" in caplog.text


@LINUX
def test_what_a_reader_needs_still_works(file: Path) -> None:
    assert outcome_of(file, "open(sys.argv[1], 'rb').read()") == repr(CSV)
    assert outcome_of(file, "__import__('threading').Thread(target=print).start()") == "None"


def test_it_can_write_no_file_without_a_filter_either(file: Path) -> None:
    body = """
        limit = __import__('resource').getrlimit(__import__('resource').RLIMIT_FSIZE)
        yield 1, [repr(limit)]
    """
    assert texts_of(file, body) == ["(0, 0)"]


def _needs(what: str) -> None:
    notes = _notes()
    if any(what in note for note in notes):
        unavailable(f"this kernel leaves a reading process more than it needs: {' '.join(notes)}")


@functools.cache
def _notes() -> list[str]:
    """What a reading process could not give up on this machine."""
    program = "import os, sys; from pathlib import Path; from hydrants.formats.confinement import confine; "
    program += "from hydrants.formats.limits import Limits; "
    program += "print(*confine(Path('/'), Limits(), os.getppid()), sep='\\n', flush=True)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    return ended.stdout.split("\n")


@LINUX
def test_a_kernel_without_filter_is_told_of_once_and_read_with(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    isolation._warn_once.cache_clear()
    flag, code = reader("yield 1, ['gelezen']")
    refusing = f"""
import resource
from hydrants.formats.confinement import landlock, seccomp
def refuse(*_):
    raise OSError(38, "Function not implemented")
landlock.hide_files = seccomp.filter_calls = resource.setrlimit = refuse
{code}"""
    for _ in range(2):
        assert len(parts_of(file, (flag, refusing))) == 4
    assert {record.levelname for record in caplog.records} == {"WARNING"}
    for kept in ("the network", "the files of its user", "RLIMIT_AS"):
        assert caplog.text.count(kept) == 1


def test_no_reader_needs_gdal_or_the_store(tmp_path: Path) -> None:
    """Sound files of each format, in a process that says at its end which modules it has loaded."""
    program = (
        "import os, sys, orjson; from pathlib import Path; from hydrants.formats import child; "
        "code = child.main(Path(sys.argv[1]), orjson.loads(sys.argv[2])); "
        "sys.stderr.write(' '.join(sorted({name.partition('.')[0] for name in sys.modules}))); "
        "sys.stderr.flush(); os._exit(code)"
    )
    for name, content in sound_files().values():
        path = tmp_path / name
        path.write_bytes(content)
        request = {"layer": "controles", "limits": {}, "parent_pid": os.getpid()}
        with Process(["-c", program, str(path), orjson.dumps(request).decode()], wall_s=60) as process:
            kinds = [kind for kind, _ in process.frames()]
            assert (kinds[-1], process.end()) == (Kind.DONE, 0), name
            modules = set(process.last_words.split())
        assert "hydrants" in modules
        assert (
            modules & {"osgeo", "pyogrio", "fiona", "geopandas", "pandas", "sqlalchemy", "pydantic"} == set()
        ), name


# -- each limit, and who is told what ------------------------------------------------------------


def refusal_of(path: Path, program: tuple[str, ...] = isolation.READER, **limits: int) -> str:
    with pytest.raises(UploadRejected) as rejection:
        parts_of(path, program, **limits)
    return rejection.value.reason_nl


@pytest.mark.parametrize("body", ["hoard = [bytes(10_000_000) for _ in range(10**6)]", "bytes(2**50)"])
def test_memory(file: Path, body: str) -> None:
    program = reader(f"yield 1, ['a']\n{body}")
    assert "meer geheugen dan 300 MB" in refusal_of(file, program, memory_bytes=300_000_000)


def test_memory_of_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "lijst.xlsx"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    declared = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'.encode()
    main = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    hoard = b'<sst xmlns="%s"><si><t>%s</t></si></sst>' % (main, b"x" * 150_000_000)
    path.write_bytes(
        repacked(
            lambda _, content: content.replace(b"</Types>", declared), extra={"xl/sharedStrings.xml": hoard}
        )
    )
    assert "meer geheugen dan 200 MB" in refusal_of(path, memory_bytes=200_000_000)


def test_processor_time(file: Path) -> None:
    assert "meer dan 1 seconden rekentijd" in refusal_of(file, reader("while True: pass\nyield"), cpu_s=1)


def test_time_in_all(file: Path) -> None:
    body = "yield 1, ['a']\ntime.sleep(60)"
    assert "na 3 seconden stopgezet" in refusal_of(file, reader(body), wall_s=3)


def test_time_in_which_we_are_busy_is_not_held_against_a_file(file: Path) -> None:
    parts = isolation.read(file, None, Limits(wall_s=3))
    first = next(parts)
    time.sleep(3.5)
    assert [first, *parts][-1] == SheetEnds(0)


def test_rows(file: Path) -> None:
    file.write_bytes(b"a;b\n" * 2_001)
    assert "meer dan 2000 rijen" in refusal_of(file, rows=2_000)
    assert sum(
        len(part.numbers) for part in parts_of(file, isolation.READER, rows=2_001) if isinstance(part, Rows)
    )


def test_size(file: Path) -> None:
    file.write_bytes(b"a;b\n" * 500_000)
    assert "2.0 MB groot; hoogstens 1 MB" in refusal_of(file, file_bytes=1_000_000)


def test_output(file: Path) -> None:
    body = "for number in range(10**9): yield number, ['x' * 30_000] * 20"
    assert "meer dan 50 MB tekst" in refusal_of(file, reader(body), output_bytes=50_000_000)


def test_a_row_that_is_no_row(file: Path) -> None:
    body = "yield 7, ['x' * 600_000] * 2"
    assert "Rij 7 bevat meer dan 1000000 tekens" in refusal_of(file, reader(body))


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1)])
def test_rows_out_of_order(file: Path, numbers: tuple[int, int]) -> None:
    body = f"for number in {numbers}: yield number, ['a']"
    assert f"Rij {numbers[1]} komt na rij {numbers[0]}" in refusal_of(file, reader(body))


def test_nothing_to_read(file: Path) -> None:
    flag, code = reader("pass")
    code = code.replace('yield Sheet(name="", rows=rows())', 'yield Photo("a.jpg", None, "onleesbaar")')
    assert "geen lijst" in refusal_of(file, (flag, code))


@pytest.mark.parametrize(
    ("body", "last_words"),
    [
        ("yield 1, ['a']\nraise KeyError('onverwacht')", "KeyError: 'onverwacht'"),
        ("yield 1, ['a']\nos.abort()", "Fatal Python error: Aborted"),
        ("yield 1, ['a']\nos._exit(0)", ""),
        ("yield 1, ['a']\nos._exit(5)", ""),
        ("yield 1, [1]", "TypeError"),
        ("os.write(1, b'x' * 100_000)\nraise ValueError('na veel woorden')", "na veel woorden"),
        ("while True: os.write(2, b'x' * 100_000)\nyield", "complaints without end"),
    ],
)
def test_a_crash_is_told_to_sender_and_developer(
    file: Path, body: str, last_words: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert refusal_of(file, reader(body)) == isolation.STUCK
    assert last_words in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (("-c", "import no_such_module"), "no_such_module"),
        (("-c", "pass"), "ends with 0"),
        (("-c", "import os; os.write(1, b'hello')"), "BrokenAnswer"),
        (("-m", "hydrants.formats.no_such_module"), "no_such_module"),
        (reader("import no_such_module\nyield"), "no_such_module"),
    ],
)
def test_what_is_not_the_files_fault_refuses_no_file(file: Path, program: tuple[str, str], says: str) -> None:
    with pytest.raises(isolation.ReadingFailed, match=says):
        parts_of(file, program)


def test_a_process_that_cannot_start_refuses_no_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(isolation.ReadingFailed, match="no reading process can be started"):
        parts_of(file, isolation.READER)


def test_a_missing_file_is_not_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        parts_of(tmp_path / "weg.csv", isolation.READER)


# -- a process that lies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "os.write(1, b'hello, world')",
        "os.write(1, HEADER.pack(b'?', 0))",
        "os.write(1, HEADER.pack(Kind.ROWS.value, 2**32 - 1))\nwhile True: os.write(1, bytes(1 << 20))",
        f"os.write(1, HEADER.pack(Kind.FORMAT.value, {MAX_PAYLOAD_BYTES[Kind.FORMAT] + 1}))",
        "while True: os.write(1, os.urandom(1 << 16))",
        "while True: send(Kind.READY, b'[]')",
        "send(Kind.FORMAT, b'\"csv\"')\nwhile True: send(Kind.SHEET, b'{}')",
        "os.write(1, b'F')",
        "send(Kind.DONE, b'null')",
        "",
        "os.close(1)\nos.close(2)",
        "os.close(1)\nos._exit(0)",
    ],
)
def test_a_flood_or_silence_refuses_the_file(file: Path, body: str, caplog: pytest.LogCaptureFixture) -> None:
    assert refusal_of(file, frames(body)) == isolation.STUCK
    assert caplog.records


def test_a_process_that_does_not_go_is_ended(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hydrants.reading.process._FAREWELL_S", 0.2)
    for body in ("os.close(1); time.sleep(60)", "os.close(1); os.close(2); time.sleep(60)"):
        assert refusal_of(file, frames(body)) == isolation.STUCK


def test_a_done_process_that_stays_is_ended(file: Path) -> None:
    body = """
        send(Kind.FORMAT, b'"csv"')
        send(Kind.SHEET, b'{"name": "", "columns": null, "crs": null, "notice_nl": null}')
        send(Kind.END, b"0")
        send(Kind.DONE, b"null")
        time.sleep(60)
    """
    assert len(parts_of(file, frames(body))) == 3


# -- what readers say but no store holds ---------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "shown"),
    [("a\\0b", "a␀b"), ("\\ud800c", "\ufffdc"), ("\\ud83d\\ude00", "😀"), ("\\\\u0000", "\\u0000")],
)
def test_characters_that_no_store_holds_become_visible(file: Path, given: str, shown: str) -> None:
    assert parts_of(file, reader(f"yield 1, ['{given}', None, 'ë']"))[2] == Rows([1], [[shown, None, "ë"]])


def test_what_a_reader_prints_is_no_part_of_its_answer(file: Path) -> None:
    body = "print('hello', flush=True)\nos.write(1, b'x' * 1_000)\nyield 1, ['a']"
    assert parts_of(file, reader(body))[2] == Rows([1], [["a"]])


def test_rows_come_through_as_they_are(file: Path) -> None:
    body = "for number in range(5_000): yield number, [str(number), None, 'x' * (number % 700), ' ', '']"
    found = [part for part in parts_of(file, reader(body)) if isinstance(part, Rows)]
    assert len(found) > 5
    assert [number for part in found for number in part.numbers] == list(range(5_000))
    assert [cells for part in found for cells in part.cells] == [
        [str(number), None, "x" * (number % 700), " "] for number in range(5_000)
    ]


def test_an_answer_comes_in_pieces_of_any_size(file: Path) -> None:
    flag, code = frames("""
        said = [(Kind.FORMAT, b'"csv"'), (Kind.SHEET, SHEET), (Kind.ROWS, ROWS), (Kind.END, b"0")]
        said.append((Kind.DONE, b"null"))
        for piece in b"".join(HEADER.pack(kind.value, len(payload)) + payload for kind, payload in said):
            os.write(1, bytes([piece]))
            if piece % 50 == 0:
                time.sleep(0.001)
    """)
    sheet = orjson.dumps({"name": "", "columns": None, "crs": None, "notice_nl": None})
    rows = orjson.dumps([[1], [["x" * 500]]])
    given = f"SHEET, ROWS = {sheet!r}, {rows!r}\n"
    assert parts_of(file, (flag, given + code))[2:] == [Rows([1], [["x" * 500]]), SheetEnds(0)]


def test_an_oversized_photo_is_refused_and_the_list_is_not(file: Path) -> None:
    flag, code = reader("yield 1, ['a']")
    code = code.replace(
        "def found(*_):", "def found(*_):\n    yield Photo('a.jpg', b'\\xff\\xd8\\xff' + bytes(32_000_000))"
    )
    photo = parts_of(file, (flag, code))[1]
    assert isinstance(photo, Photo)
    assert (photo.file_name, photo.jpeg) == ("a.jpg", None)
    assert "groter dan 32 MB" in (photo.refused_because or "")


# -- ends from outside ---------------------------------------------------------------------------


@LINUX
def test_kill_9_of_the_process(file: Path) -> None:
    file.write_bytes(CSV * 300_000)
    before = children()
    parts = isolation.read(file, None, Limits())
    next(parts)
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    with pytest.raises(isolation.ReaderKilled):
        list(parts)


@LINUX
def test_closing_the_generator_ends_the_process(file: Path) -> None:
    before = children()
    parts = isolation.read(file, None, Limits(), reader("yield 1, ['a']\ntime.sleep(60)"))
    next(parts)
    assert len(children() - before) == 1
    parts.close()
    assert children() - before == set()


PARENT = """
import sys, os
from pathlib import Path
from hydrants.formats import Limits
from hydrants.reading import isolation
parts = isolation.read(Path(sys.argv[1]), None, Limits(), ("-c", sys.argv[2]))
next(parts)
(child,) = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print(child, flush=True)
list(parts)
"""


@LINUX
def test_kill_9_of_the_parent_ends_the_process(file: Path) -> None:
    for body in ("time.sleep(60)\nyield", "while True: pass\nyield"):
        _, code = reader(body)
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, file, code], stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        parent.stdout.close()
        assert _is_gone(child)


def _is_gone(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":  # whoever inherited it has yet to wait for it
            return True
        time.sleep(0.05)
    return False
