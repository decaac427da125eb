"""What pydicom does not know of DICOS: tags, the two value representations that clash, SOP classes, our private block.

pydicom 3 has the SOP classes and most tags of group 4010. The rest is registered here when the module is imported; it adds
names and never changes one of DICOM's. Two tags mean something else in DICOS than in DICOM; they are written and read in
their DICOS form here, one file at a time, because the dictionary belongs to the whole process.

Source: research/formats.md 1.1, 1.4 and 1.5; tag and VR as the headers of the Stratovan toolkit name them (NEMA IIC 1 v03).
"""

from pydicom.datadict import add_dict_entries, add_private_dict_entries
from pydicom.uid import UID

# tag -> VR, VM, name, keyword
MISSING_TAGS: dict[int, tuple[str, str, str, str]] = {
    0x00020004: ("CS", "1", "DICOS Meta Version", "DICOSMetaVersion"),
    0x00082108: ("CS", "1", "Coordinate System", "DICOSCoordinateSystem"),
    0x00600022: ("LT", "1", "Bag Description", "BagDescription"),
    0x00600026: ("FL", "1-n", "Reported Pixel Spacing", "ReportedPixelSpacing"),
    0x00607008: ("LO", "1-n", "Signal Generation Software Versions", "SignalGenerationSoftwareVersions"),
    0x00607010: ("CS", "1", "Dynamic Screening Flag", "DynamicScreeningFlag"),
    0x00607012: ("US", "1", "Cluster ID", "ClusterID"),
    0x00607014: ("SS", "1-n", "Bag Raw Path", "BagRawPath"),
    0x00607016: ("SS", "1-n", "Bag Image Path", "BagImagePath"),
    0x00607018: ("CS", "1", "Feed Mode", "FeedMode"),
    0x00607020: ("CS", "1", "Data Collection Mode", "DataCollectionMode"),
    0x00607022: ("SH", "1", "Hold Mode", "HoldMode"),
    0x00607024: ("CS", "1", "Operation Mode", "OperationMode"),
    0x00607026: ("SH", "1", "Show Mode", "ShowMode"),
    0x00607028: ("CS", "1", "Timeout Mode", "TimeoutMode"),
    0x00607030: ("US", "1", "Operator Timeout", "OperatorTimeout"),
    0x00607032: ("US", "1", "Machine Timeout", "MachineTimeout"),
    0x00607034: ("LO", "1", "Printer Name", "PrinterName"),
    0x00607036: ("SH", "1", "Bar Code Type", "BarCodeType"),
    0x00607038: ("LO", "1", "Scanner IP and Port", "ScannerIPAndPort"),
    0x40100003: ("SL", "1", "Bin Number", "BinNumber"),
    0x40100005: ("SL", "1", "Lower Energy", "LowerEnergy"),
    0x40100006: ("SL", "1", "Energy Resolution", "DICOSEnergyResolution"),
    0x40100007: ("SL", "1", "Higher Energy", "HigherEnergy"),
    0x40101022: ("SS", "1", "OOI Risk Assessment Score", "OOIRiskAssessmentScore"),
    0x40101080: ("DT", "1", "PTO Processing Start Time", "PTOProcessingStartTime"),
    0x40101081: ("DT", "1", "PTO Processing End Time", "PTOProcessingEndTime"),
    0x40101082: ("FL", "1", "PTO Total Processing Time", "PTOTotalProcessingTime"),
    0x40101147: ("CS", "1", "Bounding Box Resolution", "BoundingBoxResolution"),
    0x40101149: ("LT", "1", "Aggregated Method for Bounding Box", "AggregatedMethodForBoundingBox"),
    0x40101247: ("CS", "1", "ROI Resolution", "ROIResolution"),
    0x40101249: ("LT", "1", "Aggregated Method of ROI Resolution", "AggregatedMethodOfROIResolution"),
    0x40102000: ("ST", "1", "External References", "ExternalReferences"),
    0x40102041: ("ST", "1", "TIP Library Name", "TIPLibraryName"),
    0x40102043: ("DT", "1", "TIP Library Date", "TIPLibraryDate"),
    0x40102045: ("ST", "1", "TIP Image ID", "TIPImageID"),
    0x43000902: ("FL", "1", "Effective Energy", "EffectiveEnergy"),
    0x43000904: ("CS", "1", "Type of G0", "TypeOfG0"),
    0x43000906: ("ST", "1", "Mask Characteristics", "MaskCharacteristics"),
    0x43000908: ("FL", "1", "Distance G0 from X-Ray Source", "DistanceG0FromXRaySource"),
    0x43000910: ("CS", "1", "Type of G1", "TypeOfG1"),
    0x43000912: ("FL", "1", "Distance G1 from X-Ray Source", "DistanceG1FromXRaySource"),
    0x43000914: ("CS", "1", "Type of G2", "TypeOfG2"),
    0x43000916: ("FL", "1", "Distance G2 from X-Ray Source", "DistanceG2FromXRaySource"),
    0x43000918: ("FL", "1", "G0 Absorption Period", "G0AbsorptionPeriod"),
    0x43000920: ("FL", "1", "G1 Phase Period", "G1PhasePeriod"),
    0x43000922: ("FL", "1", "G2 Analyzer Period", "G2AnalyzerPeriod"),
    0x43000924: ("FL", "1", "Visibility", "GratingVisibility"),
    0x43000926: ("FL", "1-n", "Absorption X-Ray Detector Size", "AbsorptionXRayDetectorSize"),
    0x43000928: ("FL", "1-n", "Absorption Reconstruction Voxel Size", "AbsorptionReconstructionVoxelSize"),
    0x43000930: ("FL", "1-n", "Phase X-Ray Detector Size", "PhaseXRayDetectorSize"),
    0x43000932: ("FL", "1-n", "Phase Reconstruction Voxel Size", "PhaseReconstructionVoxelSize"),
    0x43000934: ("FL", "1-n", "Dark Image X-Ray Detector Size", "DarkImageXRayDetectorSize"),
    0x43000936: ("FL", "1-n", "Dark Image Reconstruction Voxel Size", "DarkImageReconstructionVoxelSize"),
    0x43000938: ("CS", "1", "Reconstruction Algorithm for Phase Image", "ReconstructionAlgorithmForPhaseImage"),
    0x43000940: ("CS", "1", "Reconstruction Algorithm for Dark Image", "ReconstructionAlgorithmForDarkImage"),
    0x61000024: ("US", "1", "Series View", "SeriesView"),
    0x61000026: ("LO", "1", "Series View Description", "SeriesViewDescription"),
    0x61000028: ("US", "1", "Number of Views in Scan", "NumberOfViewsInScan"),
    0x61000030: ("US", "1", "Series Energy", "SeriesEnergy"),
    0x61000031: ("LO", "1", "Series Energy Description", "SeriesEnergyDescription"),
    0x61000032: ("US", "1", "Number of Energies in Scan", "NumberOfEnergiesInScan"),
    0x61008000: ("FL", "1", "Rho", "RhoOfPTO"),
    0x61008002: ("FL", "1", "Zeff Alternative", "ZeffAlternative"),
    0x7FE00011: ("OL", "1", "Pixel Data 32 Bit", "DICOSPixelData32"),
    0x7FE00012: ("OD", "1", "Pixel Data 64 Bit", "DICOSPixelData64"),
    0x7FE00013: ("OF", "1", "Pixel Data Float", "DICOSPixelDataFloat"),
}

CLASHES = {0x00080118: "CS", 0x40101075: "FD"}  # UI and DS in DICOM's dictionary

DX_PRESENTATION = UID("1.2.840.10008.5.1.4.1.1.501.2.1")
DX_PROCESSING = UID("1.2.840.10008.5.1.4.1.1.501.2.2")
CT_IMAGE = UID("1.2.840.10008.5.1.4.1.1.501.1")
TDR_REPORT = UID("1.2.840.10008.5.1.4.1.1.501.3")

# SOP class -> kind of object. Sub-classes of DX and AIT with other pixel types are named, their pixels are not read.
KINDS: dict[str, str] = {
    CT_IMAGE: "ct",
    DX_PRESENTATION: "dx",
    DX_PROCESSING: "dx",
    TDR_REPORT: "tdr",
    "1.2.840.10008.5.1.4.1.1.501.2.2.1": "dx",
    "1.2.840.10008.5.1.4.1.1.501.2.2.2": "dx",
    "1.2.840.10008.5.1.4.1.1.501.2.2.3": "dx",
    "1.2.840.10008.5.1.4.1.1.501.4": "ait2d",
    "1.2.840.10008.5.1.4.1.1.501.5": "ait3d",
    "1.2.840.10008.5.1.4.1.1.501.6": "qr",
}
FOREIGN_DX = "1.2.840.10008.5.1.4.1.1.501.2"  # registered nowhere; what dicos.go writes

VERSIONS = ("V02", "V02A", "V03")  # read; V03 is written

# Our block: group 4011 beside DICOS' 4010, found by its creator, so another vendor's block is never taken for it.
PRIVATE_GROUP = 0x4011
PRIVATE_CREATOR = "XRAYBENCH"
# element within the block -> VR, name. The same numbers in every file: an element is never reused for another meaning.
PRIVATE_ELEMENTS: dict[int, tuple[str, str]] = {
    0x01: ("LO", "task"),
    0x02: ("LO", "vector"),
    0x03: ("LO", "threat"),
    0x04: ("LO", "concealment"),
    0x05: ("LO", "split"),
    0x06: ("LO", "scan_id"),
    0x07: ("LO", "item_id"),
    0x08: ("LO", "dataset_digest"),
    0x09: ("LO", "targets"),
    0x0A: ("FL", "scores"),
    0x0B: ("LO", "status"),
    0x0C: ("LO", "model"),
    0x0D: ("FL", "latency_ms"),
    0x0E: ("LO", "corpus"),
    0x20: ("LO", "vessel"),
    0x21: ("LO", "voyage"),
    0x22: ("LO", "bill_of_lading"),
    0x23: ("LO", "movement_reference_number"),
    0x24: ("LO", "container_number"),
    0x25: ("LO", "port_of_loading"),
    0x26: ("LO", "port_of_discharge"),
}
IDENTIFYING_ELEMENTS = (
    "vessel",
    "voyage",
    "bill_of_lading",
    "movement_reference_number",
    "container_number",
    "port_of_loading",
    "port_of_discharge",
)


def register() -> None:
    """Add the missing tags and our private block to pydicom's dictionary. Calling it again changes nothing."""
    add_dict_entries({tag: (vr, vm, name, "", keyword) for tag, (vr, vm, name, keyword) in MISSING_TAGS.items()})
    add_private_dict_entries(
        PRIVATE_CREATOR,
        {
            (PRIVATE_GROUP << 16) | 0x1000 | element: (vr, "1-n", name, "")
            for element, (vr, name) in PRIVATE_ELEMENTS.items()
        },
    )


register()
