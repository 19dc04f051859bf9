"""The program of the tour, in cells: each is shown as it is, with the figure that it makes.

The page runs the cells in order; a cell may use the variables of earlier ones. Importing this file trains all of it.
"""

# %% fits
import numpy as np

from goodfit import Adam, Dense, Sequential, l2

rng = np.random.default_rng(0)


def draw(n):
    x = rng.uniform(-2, 2, n)
    return x[:, None], np.sin(2 * x) + rng.normal(scale=0.3, size=n)


points, fresh = draw(30), draw(200)  # 30 for training, 200 for validation

layers = [Dense(64, activation="tanh", kernel_regularizer=l2(0)) for _ in range(2)]
model = Sequential([*layers, Dense(1, kernel_regularizer=l2(0))])
model.compile(optimizer=Adam(learning_rate=0.005), loss="mse")
fits = model.sweep(*points, l2=[0.1, 0.01, 0], epochs=3000, validation_data=fresh, validation_split=0)

places, curves = np.linspace(-2, 2, 161), []
for training in fits.trainings:
    model.params = training.last_params  # weights after all epochs
    curves.append(model.predict(places[:, None])[:, 0])

# %% weights
from sklearn.datasets import load_digits

from goodfit import train_test_split

X, y = load_digits(return_X_y=True)
X, y = X[:1000] / 16, y[:1000]
rng = np.random.default_rng(0)
y = np.where(rng.random(1000) < 0.15, rng.integers(0, 10, 1000), y)  # some labels are random
X_known, X_test, y_known, y_test = train_test_split(X, y, test_size=0.2)


def network(strength):
    hidden = Dense(64, activation="relu", kernel_regularizer=l2(strength))
    return Sequential([hidden, Dense(10, activation="softmax", kernel_regularizer=l2(strength))])


model = network(0)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
sweep = model.sweep(
    X_known,
    y_known,
    l2=[0, 0.0001, 0.001, 0.01, 0.1, 1.0],
    learning_rate=[0.00001, 0.0001, 0.001, 0.01, 0.1],
    epochs=60,
    validation_split=0.2,
)
trained = {
    (row["l2"], row["learning_rate"]): training for row, training in zip(sweep.table.to_pylist(), sweep.trainings)
}
pair = {strength: trained[strength, 0.01] for strength in (0, 0.01)}

# %% l2_path
l2_path = {strength: trained[strength, 0.01] for strength in sweep.space["l2"]}

# %% rates
rates = {rate: trained[0.001, rate] for rate in (0.00001, 0.001, 0.1)}

# %% paths
import jax.numpy as jnp
from sklearn.datasets import load_diabetes

from goodfit import SGD
from goodfit.nn.optimizers.base import init_optimizer, update_weights

patients = load_diabetes(scaled=False)
inputs = patients.data[:, [2, 3]] - patients.data[:, [2, 3]].mean(axis=0)  # bmi, blood pressure
target = patients.target - patients.target.mean()


def gradient(weights):  # of the mean squared error of a linear model
    return 2 / len(inputs) * inputs.T @ (inputs @ weights - target)


def walk(optimizer, steps=60):
    params = ({"kernel": jnp.zeros(2)},)
    state = init_optimizer(optimizer, params)
    path = [np.zeros(2)]
    for step in range(steps):
        grads = ({"kernel": jnp.float32(gradient(path[-1]))},)
        params, state, _ = update_weights(optimizer, grads, state, params, step=jnp.array(step))
        path.append(np.asarray(params[0]["kernel"], float))
    return np.array(path)


paths = {
    "SGD": walk(SGD(learning_rate=0.005)),
    "SGD with momentum": walk(SGD(learning_rate=0.001, momentum=0.8)),
    "Adam": walk(Adam(learning_rate=0.5)),
}

# %% words
from sklearn.datasets import load_breast_cancer, load_iris, load_linnerud, load_wine
from sklearn.feature_extraction.text import CountVectorizer

tables = [load_breast_cancer, load_diabetes, load_digits, load_iris, load_linnerud, load_wine]
lines = [(line, k) for k, load in enumerate(tables) for line in load().DESCR.splitlines()]
texts, table = zip(*[(line, k) for line, k in lines if len(line.split()) > 2])
vectorizer = CountVectorizer(binary=True, min_df=2, token_pattern=r"[a-z]{2,}")
bag = vectorizer.fit_transform(texts).toarray()  # one row per line, one column per word
words = vectorizer.get_feature_names_out()

model = Sequential([Dense(len(tables), activation="softmax")])
model.compile(optimizer=Adam(learning_rate=0.001), loss="sparse_categorical_crossentropy")
reading = model.fit(bag, table, epochs=40, verbose=0)
steps = reading.input_steps  # per word: how far its weights move per unit of gradient

# %% splits
known, test = train_test_split(np.arange(1000), test_size=0.2, stratify=y)
train, validation = train_test_split(known, test_size=0.2, stratify=y[known])

# %% stopping
from goodfit import EarlyStopping

early_stop = EarlyStopping(monitor="val_loss", patience=10)
model = network(0)
model.compile(optimizer=Adam(learning_rate=0.01), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
stopped = model.fit(X_known, y_known, validation_split=0.2, epochs=100, callbacks=early_stop, verbose=0)

# %% cycle
model = network(0.003)
model.compile(optimizer=Adam(learning_rate=0.001), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
training = model.fit(X_known, y_known, validation_split=0.2, epochs=100, callbacks=early_stop, verbose=0)
exam = model.evaluate(X_test, y_test, return_dict=True)  # the 200 test rows, once
