"""Made-up sidecars of both kinds: every name, number and place in them is invented."""

from pathlib import Path

from fabricated import png

NAMESPACE = "dataforms.model.cargovision.smiths.com"


def dataform(*, suspicion: str = "", is_empty: str = "false", with_namespace: bool = True) -> str:
    """A DataForm as a port scanner writes it, of an invented truck."""
    namespace = f' xmlns="{NAMESPACE}"' if with_namespace else ""
    return f"""<DataForm{namespace}><TruckId>AB-000-ZZ</TruckId><Site>lane 7</Site><Date>2020-01-02T03:04:05</Date>
<AdminData><FileId>F1</FileId><Comments>none</Comments><Vehicle><PlateNumber>AB-000-ZZ</PlateNumber><Trailers><Trailer>
<Containers><Container><ContainerId>XXXU0000000</ContainerId><TopLeft><Point3D><X>1</X></Point3D></TopLeft></Container>
</Containers></Trailer></Trailers></Vehicle><Driver>A. Nobody</Driver></AdminData>
<ProcessInstructions><EnergyLevel>6 MV</EnergyLevel><IsContainerEmpty>{is_empty}</IsContainerEmpty></ProcessInstructions>
<Operations><Operation><Verdict>{"suspect" if suspicion else "clear"}</Verdict><SuspicionTypes><MlList>{suspicion}</MlList>
</SuspicionTypes><Login>nobody</Login></Operation></Operations></DataForm>"""


def manifest(*, found: str = "true") -> str:
    """A manifest with the verdict on the picture and what the search found."""
    return f"""<manifest><accession>A1</accession><system>scanner 1</system><createdate>2020</createdate>
<xraydone>true</xraydone>
<inspectionsuspicious>true</inspectionsuspicious><searchdone>true</searchdone><searchfound>{found}</searchfound>
<attributes><attribute name="container">XXXU0000000</attribute><attribute name="colour">red</attribute></attributes>
<files><file>a.jpg</file></files></manifest>"""


def sidecar_folder(root: Path, n: int = 12) -> Path:
    """Pictures with manifests, half of them with a find; one picture has none, one sidecar says nothing."""
    for k in range(n):
        png(root / f"s{k:03d}.png", seed=k)
        (root / f"s{k:03d}.xml").write_text(manifest(found="true" if k % 2 else "false"), encoding="utf-8")
    png(root / "bare.png", seed=77)
    png(root / "mute.png", seed=78)
    (root / "mute.xml").write_text("<manifest><system>x</system></manifest>", encoding="utf-8")
    return root
