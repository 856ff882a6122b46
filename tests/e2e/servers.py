# SPDX-License-Identifier: MIT
"""Servers from the distribution, each with clients that keep it busy. They listen on sockets in a folder of their own."""

import contextlib
import glob
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

import workloads
from harness import LIMIT_S, needs_program, wait_until

QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def descendants(pid):
    """@return the pids of all processes below this one"""
    children = [int(c) for task in glob.glob(f"/proc/{pid}/task/*/children") for c in Path(task).read_text().split()]
    return children + [d for c in children for d in descendants(c)]


class Server:
    """`with` starts it and its clients and ends them, master last."""

    def __init__(self):
        # A socket's path may have no more than 107 bytes, which pytest's folders may exceed.
        self.folder = Path(tempfile.mkdtemp(prefix="perfprof-server-", dir="/tmp"))
        self.process, self.stopped, self.clients, self.threads = None, threading.Event(), [], []

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        return [self.pid, *descendants(self.pid)]

    def spawn(self, *argv, **options):
        self.process = subprocess.Popen(list(map(str, argv)), cwd=self.folder, **QUIET, **options)

    def again_and_again(self, action):
        """Calls action in a thread of its own until the server is to end."""
        def loop():
            while not self.stopped.is_set():
                with contextlib.suppress(OSError, http.client.HTTPException):  # the server is going down
                    action()
        self.threads.append(threading.Thread(target=loop))
        self.threads[-1].start()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for client in self.clients:
            client.kill()
            client.wait()
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for thread in self.threads:
            thread.join()
        shutil.rmtree(self.folder, ignore_errors=True)


class Nginx(Server):
    """A master and two workers, which compress the same text for each of four clients."""

    WORKERS = 2

    def start(self):
        workloads.text_file(self.folder / "words.txt", 0.2)
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(f"""
            daemon off; {user} worker_processes {self.WORKERS}; pid {self.folder}/pid; error_log stderr;
            events {{ }}
            http {{
                access_log off; gzip on; gzip_types *; gzip_comp_level 9; gzip_http_version 1.0;
                root {self.folder};
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/fastcgi; uwsgi_temp_path {self.folder}/uwsgi;
                scgi_temp_path {self.folder}/scgi;
                server {{ listen unix:{self.folder}/socket; }}
            }}""")
        self.spawn(needs_program("nginx"), "-p", self.folder, "-c", self.folder / "nginx.conf")
        wait_until(lambda: len(descendants(self.pid)) == self.WORKERS, what="the start of nginx's workers")
        for _ in range(4):
            self.again_and_again(self.get)

    def get(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.folder}/socket")
            s.sendall(b"GET /words.txt HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
            while s.recv(1 << 20):
                pass


class Redis(Server):
    """One that runs Lua for 20 clients; `save` makes it fork a child that writes the data."""

    SCRIPT = "local t = redis.call('lrange', KEYS[1], 0, 60); table.sort(t); return #cjson.encode(t)"

    def start(self):
        # The package without a service has the server under another name; its own decides what it is.
        binary = needs_program("redis-check-rdb")
        needs_program("redis-benchmark")
        (self.folder / "redis-server").symlink_to(binary)
        self.spawn(self.folder / "redis-server", "--port", 0, "--unixsocket", self.folder / "socket", "--save", "",
                   "--io-threads", 2, "--io-threads-do-reads", "yes", "--enable-debug-command", "yes")
        wait_until((self.folder / "socket").exists, what="the start of redis")
        self.ask("debug", "populate", "400000", "key", "100")
        self.ask("rpush", "list", *(str(i * 7919 % 1000) for i in range(60)))
        self.clients.append(subprocess.Popen(["redis-benchmark", "-s", self.folder / "socket", "-c", "20", "-P", "16",
                                              "-n", "100000000", "-q", "eval", self.SCRIPT, "1", "list"], **QUIET))

    def ask(self, *words):
        subprocess.run(["redis-cli", "-s", self.folder / "socket", *words], **QUIET, timeout=LIMIT_S, check=True)

    def save(self):
        self.ask("bgsave")


class Postgres(Server):
    """A cluster of its own. Clients come and go, each is served by a new child, which starts others to help it."""

    TABLE = "CREATE TABLE t AS SELECT i, 'row ' || (i * 7919 % 9973) AS a FROM generate_series(1, 200000) i"
    QUERY = ("SELECT count(*), sum(i) FROM t WHERE a ~ '9.1' OR md5(a) > 'f';"
             "SELECT a, count(*) FROM t GROUP BY a ORDER BY 2 DESC, 1 LIMIT 3")
    SETTINGS = {"listen_addresses": "", "fsync": "off", "jit": "off", "min_parallel_table_scan_size": "0",
                "parallel_setup_cost": "0", "max_parallel_workers_per_gather": "1"}

    def start(self):
        bins = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        if not bins:
            pytest.skip("needs program: postgres is not installed")
        needs_program("psql")
        # The server refuses to be root.
        user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
        if user:
            shutil.chown(self.folder, "nobody", "nogroup")
        data = self.folder / "data"
        subprocess.run([f"{bins[-1]}/initdb", "-N", "-A", "trust", "--no-locale", "-E", "UTF8", "-U", "postgres", "-D",
                        data], cwd=self.folder, **QUIET, **user, timeout=LIMIT_S, check=True)
        self.spawn(f"{bins[-1]}/postgres", "-D", data, "-k", self.folder,
                   *(f"--{name}={value}" for name, value in self.SETTINGS.items()), **user)
        wait_until(lambda: self.query("SELECT 1") == 0, what="the start of postgres")
        assert self.query(self.TABLE) == 0
        for _ in range(2):
            self.again_and_again(lambda: self.query(self.QUERY))

    def query(self, text):
        return subprocess.run(["psql", "-X", "-h", self.folder, "-U", "postgres", "-c", text], **QUIET,
                              timeout=LIMIT_S, check=False).returncode
