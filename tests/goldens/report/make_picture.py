"""Makes the picture in README.md: the beginning of the quickstart's report, and its maps, as a browser shows them.

    python3 tests/goldens/report/make_picture.py build/quickstart/report.html      writes quickstart.png beside this script"""
import base64
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "system"))
from browser import Browser  # noqa: E402

with Browser(width=1060) as browser:
    browser.open(sys.argv[1])
    # What a reader would scroll past is left out.
    browser.run("""
      document.querySelectorAll('#controls, .facts, .below, #closing').forEach(node => (node.style.display = 'none'));
      document.querySelectorAll('.figure').forEach(node => {
        if (!['losses', 'kinds', 'layer-maps'].includes(node.id)) node.style.display = 'none';
      });
      document.querySelector('header').style.paddingTop = '2.5rem';""")
    height = browser.run("return document.getElementById('layer-maps').getBoundingClientRect().bottom + 30")
    clip = {"x": 0, "y": 0, "width": 1060, "height": height, "scale": 1}
    picture = browser.devtools("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png", "clip": clip})["data"]
(HERE / "quickstart.png").write_bytes(base64.b64decode(picture))
