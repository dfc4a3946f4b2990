"""A compact Qwen3 with Orthrus' second view, for training and for batched decoding.

Parameter names are those of the official checkpoints, so `state_dict()` is what is exported (less the
tied head). Shapes: B sequences, T positions, A blocks of K rows, H hidden, G kv heads, D head_dim.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    vocab_size: int = 3072
    hidden_size: int = 256
    num_hidden_layers: int = 8
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 48
    intermediate_size: int = 704
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-6
    max_position_embeddings: int = 2048
    block_size: int = 32
    mask_token_id: int = 0

    dict = asdict


class RMSNorm(nn.Module):
    def __init__(self, size, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x.float(), self.weight.shape, self.weight, self.eps)


def rotate(x, cos, sin):
    """Rotate-half rotary embedding; cos and sin broadcast over heads."""
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        q, kv = c.num_attention_heads * c.head_dim, c.num_key_value_heads * c.head_dim
        for suffix in ("", "_diff"):
            for name, rows, cols in (("q_proj", c.hidden_size, q), ("k_proj", c.hidden_size, kv), ("v_proj", c.hidden_size, kv), ("o_proj", q, c.hidden_size)):
                setattr(self, name + suffix, nn.Linear(rows, cols, bias=False))
            for name in ("q_norm", "k_norm"):
                setattr(self, name + suffix, RMSNorm(c.head_dim, c.rms_norm_eps))

    def qkv(self, x, cos, sin, view):
        """x [..., H] -> q [..., heads, D], k and v [..., G, D], rotated; cos, sin [..., D]."""
        c = self.c
        get = lambda name: getattr(self, name + view)
        q = get("q_norm")(get("q_proj")(x).unflatten(-1, (c.num_attention_heads, c.head_dim)))
        k = get("k_norm")(get("k_proj")(x).unflatten(-1, (c.num_key_value_heads, c.head_dim)))
        v = get("v_proj")(x).unflatten(-1, (c.num_key_value_heads, c.head_dim))
        cos, sin = cos.unsqueeze(-2), sin.unsqueeze(-2)
        return rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype), v

    def causal(self, x, cos, sin):
        """The AR view over whole sequences. Returns the output and this layer's keys and values [B, G, T, D]."""
        q, k, v = (t.transpose(1, 2) for t in self.qkv(x, cos, sin, ""))
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return self.o_proj(out.transpose(1, 2).flatten(2)), (k, v)

    def _mix(self, q, k, v, own_k, own_v, allowed):
        """q [B, A, K, heads, D]; shared k, v [B, G, T, D] where allowed [B, A, K or 1, T]; own_k, own_v
        [B, A, K, G, D], every row of the block with every other, or None."""
        B, A, K, N, D = q.shape
        G = self.c.num_key_value_heads
        q = q.reshape(B, A, K, G, N // G, D).permute(0, 3, 4, 1, 2, 5) * D**-0.5  # B G R A K D
        R = N // G
        scores = (q.reshape(B, G, -1, D) @ k.transpose(-1, -2)).view(B, G, R, A, K, -1).float()
        scores = scores.masked_fill(~allowed[:, None, None], float("-inf"))
        if own_k is not None:
            ok = own_k.permute(0, 3, 1, 4, 2).unsqueeze(2)  # B G 1 A D K
            scores = torch.cat((scores, (q @ ok).float()), dim=-1)
        p = scores.softmax(-1).to(v.dtype)
        T = k.shape[2]
        out = (p[..., :T].reshape(B, G, -1, T) @ v).view(B, G, R, A, K, D)
        if own_v is not None:
            out = out + p[..., T:] @ own_v.permute(0, 3, 1, 2, 4).unsqueeze(2)
        return out.permute(0, 3, 4, 1, 2, 5).reshape(B, A, K, N * D)

    def blocks(self, x, cos, sin, shared, allowed):
        """The diffusion view: x [B, A, K, H] over the AR view's keys and values."""
        q, k, v = self.qkv(x, cos, sin, "_diff")
        return self.o_proj_diff(self._mix(q, *shared, k, v, allowed))

    def verify(self, x, cos, sin, cache, index, allowed):
        """The AR view over one block a sequence, x [B, 1, K, H]: writes the cache at `index` [B, K]."""
        q, k, v = self.qkv(x, cos, sin, "")
        at = index[:, None, :, None].expand(-1, self.c.num_key_value_heads, -1, self.c.head_dim)
        cache[0].scatter_(2, at, k[:, 0].transpose(1, 2).to(cache[0].dtype))
        cache[1].scatter_(2, at, v[:, 0].transpose(1, 2).to(cache[1].dtype))
        return self.o_proj(self._mix(q, *cache, None, None, allowed))


class MLP(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.gate_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.up_proj = nn.Linear(c.hidden_size, c.intermediate_size, bias=False)
        self.down_proj = nn.Linear(c.intermediate_size, c.hidden_size, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.self_attn = Attention(c)
        self.mlp = MLP(c)
        self.input_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(c.hidden_size, c.rms_norm_eps)

    def finish(self, x, attended):
        x = x + attended
        return x + self.mlp(self.post_attention_layernorm(x))

    def causal(self, x, cos, sin):
        """The AR view over whole sequences, x [B, T, H]. Returns x and this layer's keys and values."""
        out, kv = self.self_attn.causal(self.input_layernorm(x), cos, sin)
        return self.finish(x, out), kv

    def blocks(self, x, cos, sin, shared, allowed):
        """The diffusion view over blocks, x [B, A, K, H]."""
        return self.finish(x, self.self_attn.blocks(self.input_layernorm(x), cos, sin, shared, allowed))


class Body(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocab_size, c.hidden_size)
        self.layers = nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))
        self.norm = RMSNorm(c.hidden_size, c.rms_norm_eps)


class Orthrus(nn.Module):
    def __init__(self, c: Config):
        super().__init__()
        self.c = c
        self.model = Body(c)
        freq = c.rope_theta ** (-torch.arange(0, c.head_dim, 2).float() / c.head_dim)
        angles = torch.arange(c.max_position_embeddings).float()[:, None] * freq
        angles = torch.cat((angles, angles), dim=-1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._init()

    @torch.no_grad()
    def _init(self):
        depth = (2 * self.c.num_hidden_layers) ** -0.5
        for name, p in self.named_parameters():
            if p.ndim == 2:
                std = 0.02 if "embed" in name else p.shape[1] ** -0.5 * 0.7
                p.normal_(0, std * (depth if "o_proj" in name or "down_proj" in name else 1))

    @torch.no_grad()
    def start_diffusion(self, copy=True):
        """Everything but the diffusion view is frozen. That starts as a copy of the AR view, or stays as it is."""
        params = dict(self.named_parameters())
        for name, p in params.items():
            p.requires_grad_("_diff" in name)
            if copy and "_diff" in name:
                p.copy_(params[name.replace("_diff", "")])

    @torch.no_grad()
    def round_to_bf16(self):
        for p in self.parameters():
            p.copy_(p.bfloat16().float())

    def head(self, hidden):
        return F.linear(hidden, self.model.embed_tokens.weight)

    def forward_ar(self, ids, keep=False, run=Layer.causal):
        """ids [B, T] -> final hidden states [B, T, H] and, if `keep`, every layer's keys and values.
        `run` is what runs a layer: training hands in a compiled one."""
        T = ids.shape[1]
        x, kept = self.model.embed_tokens(ids), []
        for layer in self.model.layers:
            x, kv = run(layer, x, self.cos[:T], self.sin[:T])
            if keep:
                kept.append(kv)
        return self.model.norm(x), kept

    def block_ids(self, first):
        """[..., K]: the anchor's token and K - 1 mask tokens."""
        ids = first.new_full((*first.shape, self.c.block_size), self.c.mask_token_id)
        ids[..., 0] = first
        return ids

    def forward_blocks(self, ids, anchors, shared, run=Layer.blocks):
        """The diffusion view. ids [B, A, K], anchors [B, A] (positions), shared keys and values per layer
        [B, G, T, D] -> final hidden states [B, A, K, H]. Row i predicts position anchor + i + 1."""
        K, T = ids.shape[-1], shared[0][0].shape[2]
        pos = (anchors[..., None] + torch.arange(K, device=ids.device)).clamp(max=self.c.max_position_embeddings - 1)
        allowed = torch.arange(T, device=ids.device) < anchors[..., None, None]
        x, cos, sin = self.model.embed_tokens(ids), self.cos[pos], self.sin[pos]
        if torch.is_grad_enabled():
            x.requires_grad_()  # so that the first layer is to the compiler as the others are
        for layer, kv in zip(self.model.layers, shared):
            x = run(layer, x, cos, sin, kv, allowed)
        return self.model.norm(x)

    def new_cache(self, batch, length, device, dtype=torch.float32):
        shape = (batch, self.c.num_key_value_heads, length, self.c.head_dim)
        return [(torch.zeros(shape, device=device, dtype=dtype), torch.zeros(shape, device=device, dtype=dtype)) for _ in self.model.layers]

    def forward_cached(self, ids, start, cache):
        """The AR view over ids [B, K] at positions start [B] onward, writing the cache -> hidden [B, K, H]."""
        index = start[:, None] + torch.arange(ids.shape[1], device=ids.device)
        allowed = (torch.arange(cache[0][0].shape[2], device=ids.device) <= index[..., None])[:, None]
        x = self.model.embed_tokens(ids)[:, None]
        pos = index[:, None].clamp(max=self.c.max_position_embeddings - 1)
        for layer, kv in zip(self.model.layers, cache):
            out = layer.self_attn.verify(layer.input_layernorm(x), self.cos[pos], self.sin[pos], kv, index, allowed)
            x = layer.finish(x, out)
        return self.model.norm(x)[:, 0]
