# SPDX-License-Identifier: MIT
"""A headless Chromium, driven through chromedriver's plain HTTP (W3C WebDriver)."""

import base64
import json
import re
import subprocess
import urllib.request

from harness import needs_program

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # WebDriver 12.1
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Tab": "\ue004", "ArrowLeft": "\ue012",
        "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}


class Browser:
    """`with Browser() as b:` has one page; each value of a script comes back as JSON."""

    def __init__(self, width=1200, height=800):
        self.size = f"--window-size={width},{height}"

    def __enter__(self):
        needs_program("chromium")
        self.driver = subprocess.Popen([needs_program("chromedriver"), "--port=0"], text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.driver.stdout:
            port = re.search(r"started successfully on port (\d+)", line)
            if port:
                break
        self.base = f"http://127.0.0.1:{port.group(1)}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                     "--disable-dev-shm-usage", self.size]
        answer = self.call("POST", "", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "goog:chromeOptions": {"args": arguments}}}})
        self.base += "/" + answer["sessionId"]
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.communicate()

    def call(self, method, path, body=None):
        data = None if body is None and method != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as wrong:
            raise AssertionError(json.load(wrong)["value"]["message"]) from None

    def cdp(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path, fragment=""):
        self.call("POST", "/url", {"url": "about:blank"})
        self.console()
        self.requests()
        self.call("POST", "/url", {"url": f"file://{path}{fragment}"})
        self.run("document.querySelector('svg') && 1")

    def run(self, script, *arguments):
        """The value of an expression; `a` are the arguments."""
        return self.call("POST", "/execute/sync", {"script": f"const a = arguments; return {script}",
                                                   "args": list(arguments)})

    def keys(self, *keys):
        actions = []
        for key in keys:
            value = KEYS.get(key, key)
            actions += [{"type": t, "value": c} for c in value for t in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})

    def pointer(self, x, y, click):
        actions = [{"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}]
        if click:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "m", "actions": actions}]})

    def over(self, script, click=False):
        """Moves the pointer onto the middle of the element that an expression gives."""
        box = self.run(f"(e => {{ const r = e.getBoundingClientRect();"
                       f"return [r.left + r.width / 2, r.top + r.height / 2]; }})({script})")
        self.pointer(*box, click)

    def click(self, script):
        self.over(script, click=True)

    def resize(self, width, height=800):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=False)
        self.frames_drawn()

    def scheme(self, name):
        self.cdp("Emulation.setEmulatedMedia",
                 features=[{"name": "prefers-color-scheme", "value": name}])
        self.frames_drawn()

    def frames_drawn(self):
        """Waits until the page has handled a change of its window: events come before a frame."""
        self.call("POST", "/execute/async", {"script": "requestAnimationFrame(() => "
                                             "requestAnimationFrame(arguments[0]))", "args": []})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def console(self):
        """The messages since the last call."""
        return [m["message"] for m in self.log("browser")]

    def requests(self):
        """The addresses that were asked for since the last call."""
        events = [json.loads(m["message"])["message"] for m in self.log("performance")]
        return [e["params"]["request"]["url"] for e in events
                if e["method"] == "Network.requestWillBeSent"]

    def screenshot(self):
        return base64.b64decode(self.call("GET", "/screenshot"))
