# %% [markdown]
# # A trained adversary and the whole curve of λ (Wiegreffe & Pinter, Figure 5)
#
# The experiment behind {doc}`../chapters/one_model` ({cite:t}`wiegreffe2019attention`, §4): one model,
# trained to give the base model's outputs with an attention far from the base's. Models of other seeds, a
# model with uniform attention, the search and the exact optimum bound the curve.

# %% tags=["parameters", "hide-input"]
from typing import Optional

dataset: str = "planted"  # a name from attnlib.data.names(), of two classes
encoder: str = "bilstm"  # bilstm, bigru, convolution or average
scorer: str = "additive"  # additive or scaled_dot
variant: str = "released"  # of the base model; released: as the authors' code; published: as the paper's text
vectors: str = "random"  # random, corpus (word2vec of the training texts), glove50, a data set or a file
deviation: Optional[float] = None  # of random vectors; None: 0.1
dimension: Optional[int] = None  # of the word vectors; None: as the paper, 50 with glove50
epochs: Optional[int] = None  # of the base model; None: as the paper, 8
patience: Optional[int] = None  # of the base model; stop after so many epochs without a better dev score
strengths: list = [0.0, 0.001, 0.01, 0.1]  # λ, one adversary each
loss: str = "published"  # published, or released: half the distance, batches weighed by class
direction: str = "adversary || base"  # of the divergence in the loss; "base || adversary" is an ablation
adversary_epochs: int = 10  # at most; 80 in the paper
adversary_patience: int = 10  # stop after so many epochs without a lower loss
epsilon: float = 0.01  # how far search and optimum may move the output, in probability
n_steps: int = 500  # Adam steps of the search
readouts: str = "never"  # only: the recorded Readouts, no training; auto: those where data are missing
seed: int = 0  # decides the base model and the texts drawn, and with it the adversaries
device: str = "cpu"  # cpu, cuda or auto
limit: Optional[int] = None  # analyse so many test texts; None: all
output: Optional[str] = None  # folder for the tables of this run

# %% tags=["remove-cell"]
import pandas as pd

from attnbook import charts, notebook
from attnbook.verdicts import trained_adversaries
from attnlib.kernels import exact_adversary, jsd, kl, search_adversary, tvd
from attnlib.prepare.adversary import prepare_adversary
from attnlib.prepare.flat import prepare, prepare_like
from attnlib.tables import performance, summaries

page = notebook.begin(globals(), "wiegreffe_pinter/adversary", notebook.SINGLE_TEXTS, classes=2)
model_settings = dict(variant=variant, vectors=vectors, deviation=deviation, dimension=dimension)
model_settings |= dict(epochs=epochs, patience=patience)
run = prepare(dataset, encoder, scorer, seed, device=device, limit=limit, recorded=readouts, **model_settings)
how = dict(variant=loss, direction=direction, epochs=adversary_epochs, patience=adversary_patience)
adversaries = {strength: prepare_adversary(run, strength, **how) for strength in strengths}

# %% tags=["remove-input"]
page.generated(
    ["dataset", "lambda"],
    ["jsd", "tvd"],
    link="../chapters/one_model",
    method="trained adversary",
    variant="released loss",
)

# %% [markdown]
# ## How it is measured
#
# With $a$ the adversary and $b$ the base model, the loss of a text is
#
# $$
# \mathrm{TVD}\bigl(\hat y_a, \hat y_b\bigr) \;-\; \lambda\, \mathrm{KL}\bigl(\alpha_a \,\|\, \alpha_b\bigr),
# $$
#
# with the base's outputs and weights on the training texts; gold labels are not used. On the test texts two
# distances from the base are measured: that of the outputs (TVD, total variation distance, $|\hat p_a -
# \hat p_b|$ for two classes) and that of the attention (JSD, at most $\ln 2$).
#
# Their code (`loss="released"`) halves the TVD, so that a $\lambda$ counts twice as much, multiplies each
# batch by the sum of its class weights, starts where the base started and keeps the epoch of the lowest
# training loss. The default here is the published loss, a start of its own and the epoch chosen on the
# development split.


# %%
def beside(weights, outputs):
    """Distances to the base model, per text."""
    return run.frame(
        jsd=jsd(weights, run.readout.alpha),
        tvd=tvd(outputs, run.readout.probabilities()),
        kl=kl(weights, run.readout.alpha),
        same_class=(outputs.argmax(-1) == run.readout.predictions()).double(),
    )


others = {
    "uniform model": prepare_like(run, scorer="uniform"),
    "other seed": prepare_like(run, seed=seed + 1),
}


steps = dict(n_steps=n_steps, seed=seed)


def per_text(readout):
    return {
        "published search": search_adversary(readout, epsilon, **steps),
        "exact optimum": exact_adversary(readout, epsilon),
    }


trained = "trained adversary"
models = {(trained, strength): model for strength, model in adversaries.items()}
models |= {(name, None): model for name, model in others.items()}
weights = {key: model.readout.alpha for key, model in models.items()}
reached = {key: model.readout.probabilities() for key, model in models.items()}
for name, best in per_text(run.readout).items():
    weights[name, None] = best.weights
    reached[name, None] = run.readout.probabilities(best.weights)
frames = {key: beside(weights[key], reached[key]) for key in weights}

# %% [markdown]
# ## What comes out

# %% tags=["hide-input"]
parts = [part.assign(method=name, **{"lambda": strength}) for (name, strength), part in frames.items()]
frame = pd.concat(parts, ignore_index=True).astype({"lambda": float})
rows = [
    summaries.summarise(part, ["jsd", "tvd", "same_class", "kl"]).assign(method=name, **{"lambda": strength})
    for (name, strength), part in frames.items()
]
for (name, strength), model in (models | {("base", None): run}).items():
    scored = model.readout.probabilities().cpu().numpy()
    report = performance.report(run.texts.labels, scored, run.corpus.class_names)
    rows.append(report.assign(method=name, **{"lambda": strength}))
lasted = [("epochs", "all", len(model.history), strength) for strength, model in adversaries.items()]
lasted = pd.DataFrame(lasted, columns=["metric", "class", "value", "lambda"]).astype({"value": float})
rows.append(lasted.assign(method="trained adversary"))
rows = pd.concat([part.astype({"lambda": float}) for part in rows], ignore_index=True)
points = trained_adversaries.of_run(rows)
charts.trade_off(
    points.rename(columns={"lambda": "λ"}),
    "tvd",
    "jsd",
    by="method",
    curve="trained adversary",
    order="λ",
    front=trained_adversaries.KINDS[:3],
    title=f"Distance of attention against distance of outputs, by model ({dataset}, {loss} loss)",
    x_title="mean total variation distance of the outputs",
    y_title="mean Jensen–Shannon divergence of attention (nats)",
)

# %% [markdown]
# The dashed line is the front: models that no other model beats in both, without search and optimum, which
# choose weights text by text. Next, text by text, the adversary with the largest $\lambda$ whose outputs are
# on average no further from the base's than those of another seed, if there is one:

# %% tags=["hide-input"]
curve = points[points["method"] == "trained adversary"].sort_values("lambda")
chosen = trained_adversaries.strongest(points)
close = pd.notna(chosen)
charts.scatter(
    frames["trained adversary", chosen],
    "tvd",
    "jsd",
    title=f"The adversary with λ = {chosen:g}, by text ({dataset}, {loss} loss)",
    x_title="total variation distance of the outputs",
    y_title="Jensen–Shannon divergence (nats)",
    x_domain=(0, 1),
    y_domain=(0, 0.7),
) if close else notebook.markdown("Every λ moves the outputs further than another seed does.")

# %% [markdown]
# One text: that on which this adversary's divergence is the median one. Where the data set's words may not be
# shown it is a sentence written for this book.

# %% tags=["hide-input"]
base, far = run.readable(), adversaries[chosen].readable() if close else None
alike = jsd((far or base).readout.alpha, base.readout.alpha).argsort(stable=True)
middle = int(alike[len(alike) // 2])
shown = base.select([middle])
weights = {"base model": shown.readout.alpha}
weights |= {"trained adversary": far.readout.alpha[[middle]]} if far else {}
weights |= {name: best.weights for name, best in per_text(shown.readout).items()}
tokens = shown.words[0]
charts.heatmap(
    tokens,
    {name: values[0, : len(tokens)].tolist() for name, values in weights.items()},
    title=f"Attention of each model (text {shown.ids[0]})",
)

# %% tags=["hide-input"]
summary = page.summary(run, rows)
ablation = "" if direction == "adversary || base" else ", reversed"
summary["variant"] = f"{loss} loss{ablation}"
summary["epsilon"] = epsilon
least, most = min(strengths), max(strengths)
numbers = {"least": float(least), "most": float(most), "chosen": chosen}
told = curve.set_index("lambda").reindex(numbers.values()).set_axis(numbers).to_dict("index")
told |= points[points["lambda"].isna()].set_index("method").to_dict("index")
numbers |= {f"{name}, {metric}": row[metric] for name, row in told.items() for metric in ("jsd", "tvd", "f1")}
page.finish(run, frame, summary, numbers)
notebook.table(points, ["method", "lambda", "tvd", "jsd", "kl", "same_class", "f1", "epochs"])

# %% [markdown]
# ## What it means
#
# Distances from the base model on this run, of outputs (TVD) and of attention (JSD, in nats):
#
# | model | outputs | attention |
# |---|---|---|
# | adversary, $\lambda$ = {glue:text}`least:g` | {glue:text}`least, tvd:.3f` | {glue:text}`least, jsd:.3f` |
# | adversary, $\lambda$ = {glue:text}`most:g` | {glue:text}`most, tvd:.3f` | {glue:text}`most, jsd:.3f` |
# | other seed | {glue:text}`other seed, tvd:.3f` | {glue:text}`other seed, jsd:.3f` |
# | uniform model | {glue:text}`uniform model, tvd:.3f` | {glue:text}`uniform model, jsd:.3f` |
# | search | {glue:text}`published search, tvd:.3f` | {glue:text}`published search, jsd:.3f` |
# | optimum | {glue:text}`exact optimum, tvd:.3f` | {glue:text}`exact optimum, jsd:.3f` |
#
# The largest $\lambda$ that moves the outputs no further than another seed is {glue:text}`chosen:g` (*nan*:
# there is none): {glue:text}`chosen, tvd:.3f`, {glue:text}`chosen, jsd:.3f` nats, F1
# {glue:text}`chosen, f1:.3f`. A trained adversary has an encoder of its own; search and optimum keep the
# base's and choose for each text.
#
# ## Limits
#
# - The adversary is found by training. Another training might reach further.
# - Its encoder is free, and a state at one token can hold the whole text. So the distance of two attentions
#   over *different* states is not the distance of two explanations of one model.
# - The authors chose $\lambda$ by looking at the test texts; the curve needs no choice.

# %% tags=["remove-input"]
page.origin(run.settings, run.recorded)
