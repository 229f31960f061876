"""The 18 OpenPose/COCO keypoints and the paper's 12; pure data.

Left and right are the person's own. Order: OpenPose's COCO model; the paper's Table 1 lists the same numbers.
"""

KEYPOINTS = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
)

(
    NOSE,
    NECK,
    RIGHT_SHOULDER,
    RIGHT_ELBOW,
    RIGHT_WRIST,
    LEFT_SHOULDER,
    LEFT_ELBOW,
    LEFT_WRIST,
    RIGHT_HIP,
    RIGHT_KNEE,
    RIGHT_ANKLE,
    LEFT_HIP,
    LEFT_KNEE,
    LEFT_ANKLE,
    RIGHT_EYE,
    LEFT_EYE,
    RIGHT_EAR,
    LEFT_EAR,
) = range(len(KEYPOINTS))

UPPER_BODY = (0, 1, 2, 3, 4, 5, 6, 7, 14, 15, 16, 17)
"""The paper's 12 keypoints (Table 1); 24 coordinates in this order are one row of its CSV."""

ARMS = (RIGHT_ELBOW, RIGHT_WRIST, LEFT_ELBOW, LEFT_WRIST)

LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
)  # fmt: skip
"""The 19 limbs of OpenPose's COCO model as (from, to) keypoint numbers, in the order of its part affinity fields."""

UPPER_LIMBS = tuple(limb for limb in LIMBS if limb[0] in UPPER_BODY and limb[1] in UPPER_BODY)

MIRRORED = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)
"""MIRRORED[k] is the keypoint that k becomes in a mirrored picture."""

RATE_HZ = 30.0
WINDOW_POSES = 150
WINDOW_S = WINDOW_POSES / RATE_HZ  # 5.0
