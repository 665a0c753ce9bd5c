"""docker/parts.py: the list of what is in an image is complete, valid SPDX 2.3, and names what may not simply be passed on."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from program import EXPLAIND, SOURCE

STATUS = """Package: libexample1
Status: install ok installed
Maintainer: Some Maintainers <some@example.org>
Architecture: amd64
Version: 1:2.0+b1-3
Homepage: https://example.org/
Description: one
 and more of it

Package: removed
Status: deinstall ok config-files
Maintainer: Nobody <no@example.org>
Architecture: all
Version: 1

Package: tool
Status: install ok installed
Maintainer: Somebody Else <else@example.org>
Architecture: all
Version: 3~rc1
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def made(folder, mkl=True, texts=True):
    """An image's parts in small, and the list of them."""
    system, collected = folder / "system", folder / "collected"
    write(system / "etc/os-release", 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n')
    write(system / "var/lib/dpkg/status", STATUS)
    program = collected / "root/usr/local/bin/explaind"
    program.parent.mkdir(parents=True)
    program.symlink_to(EXPLAIND)
    libtorch = collected / "root/opt/explaind/libtorch"
    write(libtorch / "torch/lib/libtorch_cpu.so", b"\0Intel(R) oneAPI Math Kernel Library Version \0" if mkl else b"\0")
    write(libtorch / "torch-2.11.0.dist-info/METADATA", "Metadata-Version: 2.4\nName: torch\nVersion: 2.11.0\nLicense: BSD-3-Clause\nAuthor-email: Team <t@example.org>\n")
    write(libtorch / "nvidia_x-13.0.dist-info/METADATA", "Metadata-Version: 2.4\nName: nvidia-x\nVersion: 13.0\nLicense: LicenseRef-NVIDIA-Proprietary\nAuthor: N\n")
    write(libtorch / "nvidia_y-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: nvidia-y\nVersion: 1\nLicense: NVIDIA Proprietary Software\nAuthor: N\n")
    write(libtorch / "silent-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: silent\nVersion: 1\n")
    if texts:
        write(libtorch / "nvidia_x-13.0.dist-info/licenses/License.txt", "You may not.")
    write(collected / "root/opt/explaind/arrow/pyarrow-22.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pyarrow\nVersion: 22.0.0\nLicense: Apache Software License\n")
    output = folder / "list.spdx.json"
    said = subprocess.run([sys.executable, SOURCE / "docker/parts.py", "--system", system, "--collected", collected, "--revision", "abc123", output],
                          capture_output=True, text=True, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}).stdout
    return output, json.loads(output.read_text(encoding="utf-8")), said


def test_whole_list(folder):
    output, text, said = made(folder)
    problems = validate_full_spdx_document(parse_file(str(output)))
    assert not problems, [problem.validation_message for problem in problems]
    parts = {part["name"]: part for part in text["packages"]}
    assert set(parts) == {"explaind", "libexample1", "tool", "torch", "nvidia-x", "nvidia-y", "silent", "pyarrow", "oneMKL"}, set(parts)
    assert parts["libexample1"]["versionInfo"] == "1:2.0+b1-3" and parts["libexample1"]["supplier"] == "Organization: Some Maintainers (some@example.org)"
    assert parts["libexample1"]["externalRefs"][0]["referenceLocator"] == "pkg:deb/debian/libexample1@1%3A2.0%2Bb1-3?arch=amd64&distro=debian-12"
    assert parts["pyarrow"]["licenseDeclared"] == "Apache-2.0" and parts["torch"]["licenseDeclared"] == "BSD-3-Clause"
    assert parts["explaind"]["versionInfo"].endswith("+abc123")
    assert parts["explaind"]["checksums"][0]["checksumValue"] == hashlib.sha256(pathlib.Path(EXPLAIND).read_bytes()).hexdigest()
    licences = {licence["licenseId"]: licence["extractedText"] for licence in text["hasExtractedLicensingInfos"]}
    assert licences["LicenseRef-NVIDIA-Proprietary"] == "You may not." and len(licences) == 3, licences
    assert said.strip().endswith("as their own licences allow: nvidia-x, nvidia-y, silent, oneMKL") and text["comment"] in said, said
    relations = {(r["spdxElementId"], r["relationshipType"], r["relatedSpdxElement"]) for r in text["relationships"]}
    assert ("SPDXRef-DOCUMENT", "DESCRIBES", parts["explaind"]["SPDXID"]) in relations
    assert (parts["torch"]["SPDXID"], "CONTAINS", parts["oneMKL"]["SPDXID"]) in relations
    assert text["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


def test_less(folder):
    """Without MKL, and with a licence whose text the wheel does not bring."""
    output, text, _ = made(folder, mkl=False, texts=False)
    assert not validate_full_spdx_document(parse_file(str(output)))
    assert "oneMKL" not in text["comment"] and len(text["hasExtractedLicensingInfos"]) == 2


for test in (test_whole_list, test_less):
    with tempfile.TemporaryDirectory() as name:
        test(pathlib.Path(name))
