"""Made-up packages with the layout of the real ones, a few kilobytes each."""

import base64
import hashlib
import io
import zipfile
from dataclasses import replace

import numpy as np

from similitude.suites.shipped import record_digest, recorded_files

ACIDS = "ACDEFGHIKLMNPQRSTVWY"
EXPLODES = "raise RuntimeError('The package was imported.')\n"
ALLELES = ("HLA-A01:01", "HLA-A02:01", "HLA-B07:02", "HLA-B08:01", "HLA-C04:01", "HLA-C07:01")
UNITS, HIDDEN = 5, 4


def weights(rng):
    """Arrays of a small network, by their names in a file of Keras."""
    return {
        "lstm_1/lstm_1/kernel:0": rng.normal(size=(21, 4 * UNITS)),
        "lstm_1/lstm_1/recurrent_kernel:0": rng.normal(size=(UNITS, 4 * UNITS)),
        "lstm_1/lstm_1/bias:0": rng.normal(size=4 * UNITS),
        "dense_1/dense_1/kernel:0": rng.normal(size=(UNITS, HIDDEN)),
        "dense_1/dense_1/bias:0": rng.normal(size=HIDDEN),
        "dense_2/dense_2/kernel:0": rng.normal(size=(HIDDEN, 1)),
        "dense_2/dense_2/bias:0": rng.normal(size=1),
    }


def h5(arrays):
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, values in arrays.items():
            file[name] = np.asarray(values, dtype=np.float32)
    return buffer.getvalue()


def peptide_files(seed=0):
    """Files of a package like mhcnuggets: six networks, and 40 measured peptides for each allele but the last."""
    rng = np.random.default_rng(seed)
    lines = ["mhc,peptide,IC50(nM),measurement_type,measurement_source,original_allele"]
    for allele in ALLELES[:-1]:
        written = f"{allele[:5]}*{allele[5:]}"
        for number in range(40):
            peptide = "".join(rng.choice(list(ACIDS), size=9 if number % 4 else 10))
            lines.append(f"{written},{peptide},{10 if number % 2 else 20000},quantitative,somewhere,{written}")
        lines.append(f"{written},{peptide[:7]},10,quantitative,too short,{written}")
        lines.append(f"{written},{peptide[:8]}X,10,quantitative,unknown acid,{written}")
    files = {f"mhcnuggets/saves/production/{allele}_BA.h5": h5(weights(rng)) for allele in ALLELES}
    return files | {
        "mhcnuggets/__init__.py": EXPLODES.encode(),
        "mhcnuggets/saves/production/Mamu-A01_BA.h5": b"of another species, never read",
        "mhcnuggets/data/production/mhcI/curated_training_data.csv": "\n".join(lines).encode(),
    }


def energy_files(seed=0):
    """Files of a package like torchani: four members, with narrow networks."""
    rng = np.random.default_rng(seed)
    root = "torchani/resources/ani-1x_8x/"
    constants = [
        "TM = 1",
        "Rcr = 5.2000e+00",
        "Rca = 3.5000e+00",
        "EtaR = [1.6000000e+01]",
        "ShfR = [9.0000000e-01,2.0e+00]",
        "Zeta = [3.2000000e+01]",
        "ShfZ = [5.0e-01,1.5e+00,2.5e+00]",
        "EtaA = [8.0000000e+00]",
        "ShfA = [9.0000000e-01,1.5500000e+00]",
        "Atyp = [H,C,N,O]",
    ]
    files = {
        "torchani/__init__.py": EXPLODES.encode(),
        f"{root}rHCNO-5.2R_16-3.5A_a4-8.params": "\n".join(constants).encode(),
    }
    widths = [4 * 2 + 10 * 2 * 3, 5, 4, 3, 1]
    for member in range(4):
        for element in "HCNO":
            for layer in range(1, 5):
                stem = f"{root}train{member}/networks/ANN-{element}.nnf-l{layer}"
                shape = (widths[layer], widths[layer - 1])
                files[f"{stem}.wparam"] = rng.normal(size=shape).astype("<f4").tobytes()
                files[f"{stem}.bparam"] = rng.normal(size=shape[0]).astype("<f4").tobytes()
    return files


def recorded(files, package):
    """Files with those that describe a release added."""
    folder = f"{package.name}-{package.release}.dist-info"
    described = {f"{folder}/LICENSE": b"Do as you please.\n"}
    described[f"{folder}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.release}\n".encode()
    )
    files = files | described
    rows = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')},{len(content)}"
        for name, content in files.items()
    ]
    return files | {f"{folder}/RECORD": "\n".join([*rows, f"{folder}/RECORD,,"]).encode()}


def tested(files, package):
    """The package as if these files had been tested."""
    record = files[f"{package.name}-{package.release}.dist-info/RECORD"].decode()
    return replace(package, digest=record_digest(recorded_files(record, package.files)))


def install(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def wheel(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
