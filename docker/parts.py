"""The list of what is in an image: SPDX 2.3 in JSON, from dpkg's status, the METADATA of wheels, and the program.

    parts.py --system ROOT --collected FOLDER --revision REVISION OUTPUT

ROOT is the image's system, FOLDER what docker/collect.sh has gathered. What may be passed on only as its own licence allows is said on standard
output and in the document's comment. The time is SOURCE_DATE_EPOCH's, where that is set. Only Python's own library is used.
"""
import argparse
import datetime
import email.parser
import hashlib
import json
import os
import pathlib
import re
import subprocess
import urllib.parse

# Licences as wheels name them, where that is no SPDX identifier.
SPDX_NAMES = {"Apache Software License": "Apache-2.0", "BSD": "BSD-3-Clause"}
ONEMKL = re.compile(rb"Intel\(R\) (?:oneAPI )?Math Kernel Library Version")
ONEMKL_LICENCE = "LicenseRef-Intel-Simplified-Software-License"
ONEMKL_TEXT = ("Intel Simplified Software License: binaries may be passed on unchanged, with its text and notices; "
               "taking them apart is forbidden. See https://www.intel.com/content/www/us/en/developer/articles/license/end-user-license-agreement.html")


class Part:
    """One package of the list."""

    def __init__(self, name, version, *, supplier="NOASSERTION", licence="NOASSERTION", comment=None, purl=None, home=None, checksum=None, purpose="LIBRARY"):
        self.name, self.licence = name, licence
        self.identifier = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{purpose.lower()}-{name}")
        self.text = {"SPDXID": self.identifier, "name": name, "versionInfo": version, "supplier": supplier, "downloadLocation": "NOASSERTION",
                     "filesAnalyzed": False, "licenseConcluded": "NOASSERTION", "licenseDeclared": licence, "copyrightText": "NOASSERTION",
                     "primaryPackagePurpose": purpose}
        if comment:
            self.text["licenseComments"] = comment
        if home and re.match(r"https?://\S+$", home):
            self.text["homepage"] = home
        if purl:
            self.text["externalRefs"] = [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}]
        if checksum:
            self.text["checksums"] = [{"algorithm": "SHA256", "checksumValue": checksum}]

    @property
    def free(self):
        """Whether its licence is one that everybody knows, or its distribution's business; a wheel that does not say is to be looked at."""
        return not self.licence.startswith("LicenseRef-") and (self.licence != "NOASSERTION" or self.text["primaryPackagePurpose"] == "INSTALL")


def paragraphs(path):
    """Those of a file in the form of Debian's control files."""
    for text in path.read_text(encoding="utf-8").split("\n\n"):
        if text.strip():
            yield email.parser.HeaderParser().parsestr(text)


def organization(text):
    """SPDX separates a name from its address by parentheses."""
    name, _, address = (text or "").partition("<")
    return f"Organization: {name.strip()} ({address.rstrip('>').strip()})" if name.strip() else "NOASSERTION"


def system_parts(root):
    release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', (root / "etc/os-release").read_text(encoding="utf-8"), re.M))
    vendor = release["ID"]
    for entry in paragraphs(root / "var/lib/dpkg/status"):
        if not entry["Status"].endswith(" installed"):
            continue
        name, version, architecture = entry["Package"], entry["Version"], entry["Architecture"]
        quote = urllib.parse.quote
        yield Part(name, version, supplier=organization(entry["Maintainer"]), home=entry["Homepage"], comment=f"/usr/share/doc/{name}/copyright in the image",
                   purl=f"pkg:deb/{vendor}/{quote(name)}@{quote(version)}?arch={architecture}&distro={vendor}-{release.get('VERSION_ID', '')}", purpose="INSTALL")


def wheel_parts(root, texts):
    """Wheels whose libraries the image has; adds the texts of licences that SPDX does not know."""
    for file in sorted(root.rglob("*.dist-info/METADATA")):
        entry = email.parser.HeaderParser().parsestr(file.read_text(encoding="utf-8"))
        name, version = entry["Name"], entry["Version"]
        licence = entry["License-Expression"] or entry["License"] or "NOASSERTION"
        licence = SPDX_NAMES.get(licence, licence)
        if "proprietary" in " ".join([licence, *entry.get_all("Classifier", [])]).lower() and not licence.startswith("LicenseRef-"):
            licence = "LicenseRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)
        if not re.fullmatch(r"[A-Za-z0-9.+() -]+", licence) or " " in licence and not re.search(r" (AND|OR|WITH) ", licence):
            licence = "NOASSERTION"
        if licence.startswith("LicenseRef-"):
            found = sorted(path for path in file.parent.rglob("*") if "licen" in path.name.lower() and path.is_file())
            texts.setdefault(licence, found[0].read_text(encoding="utf-8", errors="replace") if found else f"The licence of {name}")
        address = entry["Author-email"] or ""
        yield Part(name, version, supplier=organization(entry["Author"] or address), licence=licence, home=entry["Home-page"],
                   comment=f"/{file.parent.relative_to(root)} in the image", purl=f"pkg:pypi/{name.lower()}@{version}")


def onemkl(root, texts):
    """It is linked into LibTorch, whose wheel does not name it."""
    for library in root.rglob("libtorch_cpu.so"):
        if ONEMKL.search(library.read_bytes()):
            texts[ONEMKL_LICENCE] = ONEMKL_TEXT
            return Part("oneMKL", "NOASSERTION", supplier="Organization: Intel Corporation", licence=ONEMKL_LICENCE, comment="linked into libtorch_cpu.so")
    return None


def program(root, revision):
    file = root / "usr/local/bin/explaind"
    shown = subprocess.run([file, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"^explaind\s+(\S+)", shown)[1]
    return Part("explaind", f"{version}+{revision}", licence="Apache-2.0", checksum=hashlib.sha256(file.read_bytes()).hexdigest(), purpose="APPLICATION",
                comment="/usr/share/doc/explaind/copyright in the image")


def document(parts, main, contained, texts):
    """The whole document. `contained` maps an identifier to those of the parts inside it."""
    restricted = [part for part in parts if not part.free]
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    created = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc) if seconds else datetime.datetime.now(datetime.timezone.utc)
    digest = hashlib.sha256(json.dumps([part.text for part in parts], sort_keys=True).encode()).hexdigest()
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", main.identifier)]
    relations += [(main.identifier, "DEPENDS_ON", part.identifier) for part in parts if part is not main]
    relations += [(whole, "CONTAINS", inner) for whole, inners in contained.items() for inner in inners]
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": f"explaind-image-{main.text['versionInfo']}",
        "documentNamespace": f"urn:explaind:image:{digest}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: explaind-parts"]},
        "comment": "Passed on only as their own licences allow: " + (", ".join(part.name for part in restricted) or "none"),
        "packages": [part.text for part in parts],
        "hasExtractedLicensingInfos": [{"licenseId": name, "extractedText": text} for name, text in sorted(texts.items())],
        "relationships": [{"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in relations],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--system", type=pathlib.Path, required=True)
    parser.add_argument("--collected", type=pathlib.Path, required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    root, texts, contained = options.collected / "root", {}, {}
    own = program(root, options.revision)
    wheels = list(wheel_parts(root, texts))
    parts = [own, *system_parts(options.system), *wheels]
    mkl = onemkl(root, texts)
    if mkl:
        parts.append(mkl)
        contained = {wheel.identifier: [mkl.identifier] for wheel in wheels if wheel.name == "torch"}
    text = document(parts, own, contained, texts)
    options.output.write_text(json.dumps(text, indent=1) + "\n", encoding="utf-8")
    print(f"{len(parts)} parts. {text['comment']}")


if __name__ == "__main__":
    main()
