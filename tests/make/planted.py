"""Scans with identifiers planted wherever a scanner or an operator leaves them. All of them are made up."""

from pathlib import Path

import dicos_objects
import numpy as np
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from xraybench.formats import dicos

# Tag -> (VR, what is planted). Each value is found again byte for byte where it survives.
DX_PLANTS: dict[int, tuple[str, str]] = {
    0x00100020: ("LO", "MSKU7654321"),
    0x00100021: ("LO", "PORTAUTH-OMEGA"),
    0x00101002: ("SQ", "ALTID-55119"),
    0x00200010: ("SH", "SCAN-778812"),
    0x00080050: ("SH", "ACC-4471993"),
    0x0020000D: ("UI", "1.2.826.0.1.99.778812.1"),
    0x00080020: ("DA", "20230914"),
    0x00080030: ("TM", "173142"),
    0x00081010: ("SH", "LANE7-WESTGATE"),
    0x00181000: ("LO", "SERIAL-HX90317"),
    0x00080080: ("LO", "Customs Post Alpha"),
    0x00080081: ("ST", "12 Harbour Road"),
    0x00081070: ("PN", "Jansen^Piet"),
    0x00081072: ("SQ", "OPERATOR-0042"),
    0x00081030: ("LO", "Consignment of Meier"),
    0x0008103E: ("LO", "Second look for Meier"),
    0x40101068: ("LT", "Furniture for Kowalski"),
    0x00204000: ("LT", "driver phoned +31612345678"),
    0x40101047: ("SQ", "Schmidt^Hans"),
    0x40101051: ("LO", "ITIN-90210"),
    0x4010100A: ("SQ", "CARRIER-KL1007"),
    0x40102041: ("ST", "TIPLIB-SECRET"),
    0x00102297: ("PN", "Owner^Rosa"),
    0x00130010: ("LO", "VENDOR-PRIVATE-77"),
}


def _item(**elements: tuple[str, object]) -> Dataset:
    item = Dataset()
    for tag, (vr, value) in elements.items():
        item.add_new(int(tag[1:], 16), vr, value)
    return item


def plant(dataset: Dataset) -> Dataset:
    """The 24 identifiers in a DICOS object."""
    for tag, (vr, value) in DX_PLANTS.items():
        if vr != "SQ" and tag != 0x00130010:
            dataset.add_new(tag, vr, value)
    alternate = _item(
        t00100020=("LO", DX_PLANTS[0x00101002][1]), t00100021=("LO", "PORTAUTH-OMEGA"), t00100022=("CS", "TEXT")
    )
    dataset.add_new(0x00101002, "SQ", Sequence([alternate]))
    code = _item(
        t00080100=("SH", DX_PLANTS[0x00081072][1]), t00080102=("SH", "99SITE"), t00080104=("LO", "Piet Jansen")
    )
    operator = _item(t00401101=("SQ", Sequence([code])), t00080080=("LO", "Customs Post Alpha"))
    dataset.add_new(0x00081072, "SQ", Sequence([operator]))
    codes = [
        _item(t00080100=("SH", f"O-{n}"), t00080102=("SH", "99SITE"), t00080104=("LO", DX_PLANTS[0x40101047][1]))
        for n in range(2)
    ]
    owner = _item(
        t00080080=("LO", "Schmidt und Sohn"), t00401101=("SQ", Sequence(codes)), t40101009=("CS", "PERSON"),
        t40101067=("CS", "COMMERCIAL"), t40101041=("DT", "20230901120000"), t00120062=("CS", "NO"),
    )  # fmt: skip
    dataset.add_new(0x40101047, "SQ", Sequence([owner]))
    segment = _item(
        t40101054=("SH", "ROUTE-17"), t40101055=("SH", "IATA"), t40101007=("SH", "SEG-1"),
        t40101058=("SH", DX_PLANTS[0x4010100A][1]), t40101059=("CS", "ICAO"), t4010101E=("SH", "NLRTM"),
        t4010101F=("SH", "DEHAM"), t40101020=("CS", "IATA"), t40101028=("CS", "YES"), t4010101A=("SH", "BOARD-5512"),
        t4010102A=("SH", "SEAT-12F"), t40101025=("DT", "20230913170000"), t40101026=("DT", "20230914050000"),
    )  # fmt: skip
    dataset.add_new(0x40101052, "SH", "CARRIER")
    dataset.add_new(0x40101053, "LO", "AUTHORITY-SIGMA")
    dataset.add_new(0x40101056, "CS", "ROAD")
    dataset.add_new(0x4010100A, "SQ", Sequence([segment]))
    block = dataset.private_block(0x0013, DX_PLANTS[0x00130010][1], create=True)
    block.add_new(0x01, "LO", "plate AB-12-CD")
    return dataset


def dx_dataset(seed: int = 0) -> Dataset:
    """A sound DX object with all plants and our own private block."""
    image = dicos_objects.dx(
        96, 120, seed=seed, marks={"threat": "firearm", "split": "test", "container_number": "MSKU7654321"}
    )
    return plant(dicos.dx_dataset(image))


def png(path: Path, text: str) -> None:
    told = PngImagePlugin.PngInfo()
    told.add_text("Comment", text)
    told.add_itxt("Operator", text)
    exif = Image.Exif()
    exif[0x010E] = text
    Image.fromarray(picture(1)).save(path, pnginfo=told, exif=exif)
    with path.open("ab") as file:
        file.write(text.encode())


def jpeg(path: Path, text: str) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = text, text
    Image.fromarray(picture(2)).save(path, quality=88, exif=exif, comment=text.encode())
    with path.open("ab") as file:
        file.write(text.encode())


def tiff(path: Path, text: str) -> None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    tags = ImageFileDirectory_v2()
    tags[270], tags[315], tags[305] = text, text, text
    deep = (picture(3)[..., 0].astype(np.uint16) << 8) + 7
    Image.fromarray(deep).save(path, tiffinfo=tags)


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(60, 255, (6, 8, 3), dtype=np.uint8))
    return np.asarray(small.resize((120, 90), Image.Resampling.BICUBIC))


DATAFORM = """<?xml version="1.0"?>
<!-- written by {secret} -->
<DataForm xmlns="http://dataforms.model.example" operator="{secret}">
 <TruckId>{secret}</TruckId><Site>{secret}</Site><Date>2023-09-14T17:31:42</Date><State>Inspected</State>
 <AdminData><FileId>{secret}</FileId><Custom1>{secret}</Custom1><Comments>{secret}</Comments><Manifests>{secret}</Manifests>
  <Vehicle><PlateNumber>{secret}</PlateNumber><OCR>{secret}</OCR><Trailers><Trailer><Containers><Container>
   <ContainerId>MSKU 765432-1</ContainerId><TopLeft><Point3D><X>12.5</X><Y>-3</Y><Z>0</Z></Point3D></TopLeft>
  </Container></Containers></Trailer></Trailers></Vehicle>
  <Driver>{secret}</Driver><DeclarationID>{secret}</DeclarationID></AdminData>
 <ProcessInstructions><EnergyLevel>6</EnergyLevel><IsContainerEmpty>false</IsContainerEmpty><Speed>{secret}</Speed>
 </ProcessInstructions>
 <Operations><Operation><Start>2023-09-14T17:35:00</Start><End>2023-09-14T17:41:30</End><Verdict>Suspect</Verdict>
  <Login>{secret}</Login><Workstation>{secret}</Workstation><Unheard>{secret}</Unheard></Operation></Operations>
</DataForm>"""

MANIFEST = """<manifest><accession>{secret}</accession><system>{secret}</system><createdate>14.09.2023 17:31</createdate>
 <searchdone>true</searchdone><searchfound>maybe {secret}</searchfound>
 <attributes><attribute name="container_no">{secret}</attribute><attribute name="{secret}">x</attribute></attributes>
 <files><file>{name}</file></files></manifest>"""
