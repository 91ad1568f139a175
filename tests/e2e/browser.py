# SPDX-License-Identifier: Apache-2.0
"""A real Chromium on the page of a gateway: Debian's chromium and chromium-driver, driven by Selenium. What the browser complains of
(errors of scripts, what Content-Security-Policy forbids) ends the test."""
import shutil

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from selenium_axe_python import Axe
from sinks import PATIENCE, Timeout

SERIOUS = ("serious", "critical")
KEYS = {"Enter": Keys.ENTER, "Escape": Keys.ESCAPE, "ArrowDown": Keys.ARROW_DOWN, "ArrowLeft": Keys.ARROW_LEFT, "ArrowRight": Keys.ARROW_RIGHT}


def chromium(directory):
    """Root has no sandbox of Chromium's; the tests' own pages need none."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1280,800", "--lang=en",
                     "--hide-scrollbars", "--no-first-run", "--disable-background-networking", f"--user-data-dir={directory}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))


class Page:
    """The page of one gateway, in a tab of its own that is empty before."""

    def __init__(self, driver, base):
        self.driver, self.base = driver, base.rstrip("/")
        self.expected = []  # parts of console messages that the test causes itself
        self.driver.get("about:blank")
        self.driver.get_log("browser")

    def open(self, fragment=""):
        self.driver.get("about:blank")
        self.driver.get(f"{self.base}/{fragment}")
        return self

    @property
    def fragment(self):
        return self.driver.current_url.partition("#")[2]

    def script(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition, what):
        try:
            return WebDriverWait(self.driver, PATIENCE, 0.02).until(lambda _: condition())
        except TimeoutException:
            raise Timeout(f"the page does not show {what}, but {self.text[:3000]!r}; console: {self.complaints()}") from None

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        """Of all that match, in the order of the document."""
        return self.script("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.trim())", selector)

    def one(self, selector):
        return self.wait(lambda: (self.all(selector) or [None])[0], selector)

    def click(self, selector, words=None):
        """The first that matches, or the first with these words. A list that is alive may draw a row again meanwhile: no reference is kept."""
        find = "const e = [...document.querySelectorAll(arguments[0])].find((e) => e.checkVisibility() && (!arguments[1] || e.textContent.includes(arguments[1])));"
        self.wait(lambda: self.script(f"{find} e?.click(); return Boolean(e)", selector, words), f"{selector} {words or ''}")

    def type(self, selector, text):
        box = self.one(selector)
        box.clear()
        box.send_keys(text)

    def key(self, *names):
        """Where the focus is, as from the keyboard."""
        for name in names:
            ActionChains(self.driver, duration=0).send_keys(KEYS.get(name, name)).perform()

    @property
    def text(self):
        return self.script("return document.body.innerText")

    def wait_text(self, words):
        self.wait(lambda: words in self.text, repr(words))

    def media(self, **features):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]})

    def accessibility(self):
        """What axe-core finds serious."""
        axe = Axe(self.driver)
        axe.inject()
        return [f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:200]}" for v in axe.run()["violations"] if v["impact"] in SERIOUS]

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] in ("SEVERE", "WARNING") and not any(part in entry["message"] for part in self.expected)]
