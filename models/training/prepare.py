"""Find every face with YuNet and with the cascade, and keep photographs and points where training reads fast.

Run as:

    python prepare.py --faces ../shared/faces --work <scratch folder>
"""

from __future__ import annotations

import argparse
from multiprocessing import Pool
from pathlib import Path

import cv2
import numpy as np
from faces import TEACHER, TEACHER_SIZE, TEMPLATE, Net, align, part, unit

MARGIN = 16  # pixels kept around the aligned face, so that jitter does not run into black


def central(boxes: np.ndarray, shape: tuple[int, ...]) -> int:
    """Of several faces, the one closest to the middle: the person the photograph is named after."""
    middle = np.array([shape[1], shape[0]]) / 2
    return int(np.argmin(np.linalg.norm(boxes[:, :2] + boxes[:, 2:4] / 2 - middle, axis=1)))


def find(job: tuple[Path, Path]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photograph, YuNet's landmarks and the cascade's box (NaN and -1 where nothing was found)."""
    path, models = job
    cv2.setNumThreads(1)
    if not hasattr(find, "yunet"):
        find.yunet = cv2.FaceDetectorYN.create(
            str(models / "face_detection_yunet_2023mar.onnx"), "", (250, 250), 0.6
        )
        find.cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    image = cv2.imread(str(path))
    points, box = np.full((5, 2), np.nan, np.float32), np.full(4, -1, np.int32)
    rows = find.yunet.detect(image)[1]
    if rows is not None:
        points = rows[central(rows, image.shape), 4:14].reshape(5, 2)
    boxes = find.cascade.detectMultiScale(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), 1.1, 5, minSize=(24, 24))
    if len(boxes):
        box = boxes[central(boxes, image.shape)]
    return image, points, box


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, default=Path("../shared/faces"))
    parser.add_argument("--work", type=Path, required=True)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    paths = sorted((args.faces / "lfw").glob("*/*.jpg"))
    photos = np.lib.format.open_memmap(args.work / "photos.npy", "w+", np.uint8, (len(paths), 250, 250, 3))
    points, boxes = np.empty((len(paths), 5, 2), np.float32), np.empty((len(paths), 4), np.int32)
    with Pool(2) as pool:
        jobs = ((path, args.faces / "models") for path in paths)
        for i, found in enumerate(pool.imap(find, jobs, chunksize=32)):
            photos[i], points[i], boxes[i] = found
    names = np.array([path.parent.name for path in paths])
    side = TEACHER_SIZE + 2 * MARGIN
    aligned = np.zeros((len(paths), side, side, 3), np.uint8)
    for i in np.flatnonzero(np.isfinite(points).all((1, 2))):
        aligned[i] = align(photos[i], points[i], TEMPLATE + MARGIN, side)
    np.save(args.work / "aligned.npy", aligned)
    errata = [s.strip() for s in (args.faces / "lfw_errata_images.txt").read_text().splitlines()]
    np.savez(
        args.work / "index.npz",
        name=names,
        photo=np.array([path.stem for path in paths]),
        part=np.array([part(name) for name in names]),
        wrong=np.array([path.stem in errata for path in paths]),
        points=points,
        box=boxes,
    )
    for label, missed in ("YuNet", np.isnan(points).any((1, 2))), ("cascade", boxes[:, 2] < 0):
        print(f"{label} finds nothing in {missed.sum()} of {len(paths)} photographs")
    teacher = Net(args.faces / "models" / TEACHER)
    clean = aligned[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    np.save(args.work / "teacher.npy", unit(teacher(clean)))


if __name__ == "__main__":
    main()
