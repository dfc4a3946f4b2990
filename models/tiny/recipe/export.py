"""Reading and writing checkpoints in the official layout."""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from chatml import HERE, Encoder
from model import Config, Orthrus


def config_json(c: Config, end: int, pad: int, dtype: str = "bfloat16") -> dict:
    return {
        "architectures": ["OrthrusLM"], "attention_bias": False, "attention_dropout": 0.0, "block_size": c.block_size, "bos_token_id": None, "dtype": dtype, "eos_token_id": end,
        "head_dim": c.head_dim, "hidden_act": "silu", "hidden_size": c.hidden_size, "initializer_range": 0.02, "intermediate_size": c.intermediate_size,
        "layer_types": ["full_attention"] * c.num_hidden_layers, "mask_token_id": c.mask_token_id, "max_position_embeddings": c.max_position_embeddings, "max_window_layers": c.num_hidden_layers,
        "model_type": "qwen3", "num_attention_heads": c.num_attention_heads, "num_hidden_layers": c.num_hidden_layers, "num_key_value_heads": c.num_key_value_heads, "pad_token_id": pad,
        "rms_norm_eps": c.rms_norm_eps, "rope_parameters": {"rope_theta": c.rope_theta, "rope_type": "default"}, "sliding_window": None, "tie_word_embeddings": True, "use_cache": True,
        "use_sliding_window": False, "vocab_size": c.vocab_size,
    }


def save(model: Orthrus, out: Path, log: dict | None = None, lean: bool = False):
    """A checkpoint directory; the tensors are bf16 (exactly, if they were rounded before). `lean` leaves out
    the files that do not come from training."""
    out.mkdir(parents=True, exist_ok=True)
    enc = Encoder()
    tensors = {n: p.detach().to("cpu", torch.bfloat16).contiguous() for n, p in model.named_parameters()}
    temporary = out / "model.safetensors.part"
    save_file(dict(sorted(tensors.items())), str(temporary), metadata={"format": "pt"})
    temporary.chmod(0o644)
    temporary.replace(out / "model.safetensors")
    write = lambda name, value: (out / name).write_text(json.dumps(value, indent=2) + "\n")
    write("config.json", config_json(model.c, enc.end, enc.id["<|endoftext|>"]))
    if log is not None:
        write("training.json", log)
    if lean:
        return
    write("generation_config.json", {"do_sample": False, "eos_token_id": [enc.end, enc.id["<|endoftext|>"]], "pad_token_id": enc.id["<|endoftext|>"]})
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(HERE / name, out / name)


def load(path: Path, device="cpu") -> Orthrus:
    """A checkpoint in float32."""
    raw = json.loads((Path(path) / "config.json").read_text())
    fields = {k: raw[k] for k in Config.__dataclass_fields__ if k in raw}
    model = Orthrus(Config(**fields, rope_theta=raw["rope_parameters"]["rope_theta"]))
    missing, extra = model.load_state_dict({k: v.float() for k, v in load_file(str(Path(path) / "model.safetensors")).items()}, strict=False)
    if missing or extra:
        raise ValueError(f"{path}: missing tensors {missing}, unknown tensors {extra}")
    return model.to(device)


def main():
    p = argparse.ArgumentParser(description="Completes a lean checkpoint: python export.py LEAN_DIR OUT_DIR")
    p.add_argument("lean", type=Path)
    p.add_argument("out", type=Path)
    a = p.parse_args()
    save(load(a.lean), a.out)


if __name__ == "__main__":
    main()
