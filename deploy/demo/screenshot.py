"""Take the README's picture of the page: `python -m deploy.demo.screenshot [OUT]` (needs Chromium and the dev extra).

Runs the demo, opens its page in a headless browser, and takes the picture once the impostor's incident fires.
"""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from playwright.sync_api import sync_playwright

OUT = Path(__file__).parents[1] / "page.png"
CHROMIUM = "/usr/bin/chromium"
FIRING_MS = 120_000
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def main(out: Path) -> None:
    """Write the picture."""
    port = 8655
    demo = subprocess.Popen([sys.executable, "-m", "deploy.demo.screenshot", "--demo", str(port)])
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1600, "height": 900})
            wait_for(f"http://127.0.0.1:{port}/healthz", demo)
            page.goto(f"http://127.0.0.1:{port}/")
            page.get_by_text("FIRING").first.wait_for(timeout=FIRING_MS)
            page.wait_for_timeout(3_000)  # the score's curve has a shoulder by then
            page.screenshot(path=str(out))
            browser.close()
    finally:
        demo.terminate()
        demo.wait(30)
    print(json.dumps({"picture": str(out), "bytes": out.stat().st_size}))


def wait_for(url: str, demo: "subprocess.Popen[bytes]") -> None:
    """Wait until the demo's page answers."""
    while demo.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            continue
        return
    raise SystemExit("the demo ended before its page came up")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--demo"]:
        from monitor.cli import main as bodywatch

        sys.argv = ["bodywatch", "demo", "--seconds", "120", "--port", sys.argv[2]]
        bodywatch()
    else:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUT)
