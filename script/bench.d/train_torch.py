#!/usr/bin/env python3
"""A step of training of the preset `small` in PyTorch, for comparison with train_bench.

The same arithmetic as `train_step/small/bf16/8192`: MLA and DeepSeekMoE, 16 documents of 512 random tokens, bfloat16
products on float32 master weights, cross-entropy, AdamW. Written as one writes PyTorch: documents are the batch
dimension, experts a loop over index_select, no custom kernels. Prints tokens/s.

    python3 script/bench.d/train_torch.py [--steps 5] [--float32]
"""
import argparse
import time

import torch
import torch.nn.functional as F

VOCAB, D, LAYERS, HEADS, NOPE, ROPE, V, Q_RANK, KV_RANK = 4096, 256, 6, 8, 32, 16, 32, 128, 64
DENSE, EXPERTS, TOP_K, GROUPS, TOP_GROUPS, INNER = 704, 16, 2, 4, 2, 192
DOCUMENTS, LENGTH = 16, 512


def norm(x, w):
    x = x.float()
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * w


def rope(x, cos, sin):  # [B, T, H, ROPE], pairs (2i, 2i + 1)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Model:
    def __init__(self, compute):
        self.compute = compute
        self.p = {}
        generator = torch.Generator().manual_seed(1)
        def matrix(name, rows, cols):
            self.p[name] = (torch.randn(rows, cols, generator=generator) * 0.03).requires_grad_()
        def vector(name, n):
            self.p[name] = torch.ones(n).requires_grad_()
        def mlp(name, inner):
            matrix(name + "gate", inner, D), matrix(name + "up", inner, D), matrix(name + "down", D, inner)
        matrix("embed", VOCAB, D), matrix("head", VOCAB, D), vector("norm", D)
        for i in range(LAYERS):
            n = f"{i}."
            vector(n + "in", D), vector(n + "post", D), vector(n + "q_norm", Q_RANK), vector(n + "kv_norm", KV_RANK)
            matrix(n + "q_a", Q_RANK, D), matrix(n + "q_b", HEADS * (NOPE + ROPE), Q_RANK)
            matrix(n + "kv_a", KV_RANK + ROPE, D), matrix(n + "kv_b", HEADS * (NOPE + V), KV_RANK)
            matrix(n + "o", D, HEADS * V)
            if i == 0:
                mlp(n, DENSE)
                continue
            matrix(n + "router", EXPERTS, D), mlp(n + "shared.", INNER)
            for e in range(EXPERTS):
                mlp(f"{n}{e}.", INNER)
        angle = torch.arange(LENGTH)[:, None] * 10000.0 ** (-torch.arange(0, ROPE, 2) / ROPE)
        self.cos, self.sin = angle.cos()[:, None], angle.sin()[:, None]
        self.mask = torch.full((LENGTH, LENGTH), float("-inf")).triu(1)

    def linear(self, x, name):
        return F.linear(x.to(self.compute), self.p[name].to(self.compute))

    def mlp(self, x, name):
        x = x.to(self.compute)
        return self.linear(F.silu(self.linear(x, name + "gate")) * self.linear(x, name + "up"), name + "down")

    def attention(self, h, n):
        b, t = h.shape[:2]
        q = self.linear(norm(self.linear(h, n + "q_a"), self.p[n + "q_norm"]), n + "q_b").view(b, t, HEADS, NOPE + ROPE)
        q_nope, q_pe = q.split((NOPE, ROPE), -1)
        latent, k_pe = self.linear(h, n + "kv_a").split((KV_RANK, ROPE), -1)
        kv = self.linear(norm(latent, self.p[n + "kv_norm"]), n + "kv_b").view(b, t, HEADS, NOPE + V)
        k_nope, v = kv.split((NOPE, V), -1)
        q = torch.cat((q_nope, rope(q_pe, self.cos, self.sin).to(q.dtype)), -1).transpose(1, 2)
        k_pe = rope(k_pe.unsqueeze(2), self.cos, self.sin).to(q.dtype).expand(-1, -1, HEADS, -1)
        k = torch.cat((k_nope, k_pe), -1).transpose(1, 2)
        scores = (q @ k.transpose(-1, -2)).float() * (NOPE + ROPE) ** -0.5 + self.mask
        o = scores.softmax(-1).to(self.compute) @ v.transpose(1, 2)
        return self.linear(o.transpose(1, 2).reshape(b, t, HEADS * V), n + "o")

    def moe(self, x, n):
        flat = x.reshape(-1, D)
        s = F.linear(flat, self.p[n + "router"]).sigmoid()
        with torch.no_grad():
            groups = s.view(-1, GROUPS, EXPERTS // GROUPS).topk(2, -1)[0].sum(-1).topk(TOP_GROUPS, -1)[1]
            allowed = torch.zeros(len(flat), GROUPS).scatter_(1, groups, 1).repeat_interleave(EXPERTS // GROUPS, 1)
            chosen = s.masked_fill(allowed == 0, float("-inf")).topk(TOP_K, -1)[1]
        w = s.gather(1, chosen)
        w = w / w.sum(-1, keepdim=True)
        y = self.mlp(flat, n + "shared.").float()
        for e in range(EXPERTS):
            token, slot = torch.where(chosen == e)
            y = y.index_add(0, token, self.mlp(flat[token], f"{n}{e}.").float() * w[token, slot, None])
        return y.view(x.shape)

    def loss(self, tokens, targets):
        h = F.embedding(tokens, self.p["embed"])
        for i in range(LAYERS):
            n = f"{i}."
            h = h + self.attention(norm(h, self.p[n + "in"]), n)
            x = norm(h, self.p[n + "post"])
            h = h + (self.mlp(x, n) if i == 0 else self.moe(x, n))
        logits = self.linear(norm(h, self.p["norm"]), "head")
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--float32", action="store_true")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = Model(torch.float32 if options.float32 else torch.bfloat16)
    optimizer = torch.optim.AdamW(model.p.values(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)
    tokens = torch.randint(VOCAB, (DOCUMENTS, LENGTH))
    times = []
    for _ in range(options.steps + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        model.loss(tokens, tokens).backward()
        optimizer.step()
        times.append(time.perf_counter() - start)
    step = sorted(times[1:])[len(times[1:]) // 2]
    print(f"PyTorch {torch.__version__}, {options.threads} threads: {1e3 * step:.0f} ms per step, "
          f"{DOCUMENTS * LENGTH / step:.0f} tokens/s")


if __name__ == "__main__":
    main()
