"""What the paper reports (Yasrab, Jiang and Riaz 2021), to stand beside ours. Accuracies in percent."""

TABLE_2 = (
    # kind, person, videos, hours, segments
    ("real", "George W. Bush", 35, 11.56, 560),
    ("real", "Barack Obama", 46, 15.33, 689),
    ("real", "Donald Trump", 38, 12.89, 542),
    ("real", "Joe Biden", 4, 1.9, 32),
    ("fake", "George W. Bush", 6, 0.23, 12),
    ("fake", "Barack Obama", 23, 0.36, 54),
    ("fake", "Donald Trump", 35, 0.56, 66),
    ("fake", "Joe Biden", 4, 0.10, 8),
)

TABLE_3 = (
    ("input size", "24"), ("hidden size", "512"), ("hidden layers", "2"), ("dropout", "0.5"), ("output size", "1"),
    ("optimizer", "Adam"), ("learning rate decay", "lr 1e-2, step 30, gamma 0.5"), ("time step", "150"),
    ("weight decay", "1e-4"), ("gradient clipping", "0.25"), ("batch size", "1"), ("epochs", "200"),
)  # fmt: skip

TABLE_4 = (
    ("Model A: 2 layers, 512 hidden", "paper", 94.39),
    ("Model B: 2 layers, 256 hidden", "model-b", 91.24),
    ("Model C: 3 layers, 128 hidden", "model-c", 86.62),
)

TABLE_5 = (
    # model, our experiment, training, validation, testing
    ("VGG16", "vgg16", 82.1, 76.34, 74.03),
    ("ResNet50", "resnet50", 91.29, 87.64, 84.49),
    ("ResNet101", "resnet101", 93.00, 89.90, 88.00),
    ("ResNet152", "resnet152", 96.00, 92.90, 92.01),
    ("CNN (VGG16) + LSTM", "vgg16_lstm", 98.11, 94.00, 93.78),
    ("Proposed LSTM", "paper", 99.06, 96.23, 94.39),
)

TABLE_6 = (
    ("Li et al., ResNet152, face alone", "li_resnet152", 93.20),
    ("Proposed LSTM", "paper", 94.39),
)

FIGURES = {
    # figure: ((caption, our experiment, what the paper says of it), ...)
    "figure_8": (
        ("(a, b) SGD, lr 1e-3", "sgd-1e-3", "fails to converge"),
        ("(c, d) SGD, lr 1e-4", "sgd-1e-4", "slow; about 70 % and underfitted"),
        ("(e, f) Adam, lr 1e-3", "adam-1e-3", "training loss near 0, validation loss rises: overfitted"),
    ),
    "figure_9": (("two layers, dropout 0.5", "stacked", "still overfitted; validation accuracy higher"),),
    "figure_10": (("decay of rate and weights", "paper", "flat for 30 epochs, then falls; best epoch 165"),),
}
