// Every weight type that the program says it reads, from a GGUF file to logits.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/mapped_file.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

constexpr std::size_t kHidden = 256;
constexpr std::size_t kVocab = 64;
constexpr std::uint32_t kF32 = 0;

// Blocks of a type, as many as there are, one after the other and again from the first.
struct Blocks {
  std::uint32_t ggml_type;
  std::size_t values_per_block;
  std::span<const std::byte> bytes;
  std::size_t n_blocks;
};

// A Llama of one layer made of these blocks; each matrix begins with another one.
GgufWriter model_of(const Blocks& blocks) {
  GgufWriter writer;
  writer.add_string("general.architecture", "llama")
      .add_u32("llama.block_count", 1)
      .add_u32("llama.context_length", 128)
      .add_u32("llama.embedding_length", kHidden)
      .add_u32("llama.feed_forward_length", kHidden)
      .add_u32("llama.attention.head_count", 4)
      .add_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  for (const char* name : {"output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"}) {
    Bytes ones;
    for (std::size_t i = 0; i < kHidden; ++i) append(ones, 1.0f);
    writer.add_tensor(fmt::format("{}.weight", name), {kHidden}, kF32, ones);
  }
  const std::size_t block_bytes = blocks.bytes.size() / blocks.n_blocks;
  std::size_t first = 0;
  for (const char* name :
       {"token_embd", "output", "blk.0.attn_q", "blk.0.attn_k", "blk.0.attn_v", "blk.0.attn_output",
        "blk.0.ffn_gate", "blk.0.ffn_up", "blk.0.ffn_down"}) {
    const std::size_t rows = std::string_view(name).starts_with("blk") ? kHidden : kVocab;
    Bytes data;
    for (std::size_t i = 0; i < rows * kHidden / blocks.values_per_block; ++i) {
      const std::size_t block = (first + i + i / 7) % blocks.n_blocks;
      append_bytes(data, blocks.bytes.subspan(block * block_bytes, block_bytes));
    }
    writer.add_tensor(fmt::format("{}.weight", name), {rows, kHidden}, blocks.ggml_type, data);
    first += 5;
  }
  return writer;
}

std::vector<float> logits_of(const TestFolder& folder, const Blocks& blocks) {
  const auto model = folder.write("model.gguf", model_of(blocks).bytes());
  const auto tokens = folder.write("tokens.json", "[1, 5, 60, 33, 2]");
  const auto output = folder.path() / "logits";
  const ProgramResult result =
      run_program({"logits", "--model", model.string(), "--tokens", tokens.string(), "--output",
                   output.string(), "--threads", "1"});
  EXPECT_EQ(result.status, 0) << result.err;
  const std::string bytes = read_file(output).value();
  std::vector<float> logits(bytes.size() / sizeof(float));
  std::memcpy(logits.data(), bytes.data(), bytes.size());
  EXPECT_EQ(logits.size(), 5 * kVocab);
  return logits;
}

// Block values are gguf-py's (tests/golden/quant-blocks).
TEST(WeightTypes, GiveTheLogitsOfTheirDequantisedValues) {
  const std::vector<std::pair<std::string, std::uint32_t>> types = {
      {"F16", 1},   {"Q4_0", 2},    {"Q4_1", 3},    {"Q5_0", 6},  {"Q5_1", 7},
      {"Q8_0", 8},  {"Q2_K", 10},   {"Q3_K", 11},   {"Q4_K", 12}, {"Q5_K", 13},
      {"Q6_K", 14}, {"IQ4_NL", 20}, {"IQ4_XS", 23}, {"BF16", 30}};
  const auto golden_blocks =
      SafetensorsFile::open(golden("quant-blocks/quant_blocks.safetensors")).value();
  const TestFolder folder;
  for (const auto& [name, ggml_type] : types) {
    SCOPED_TRACE(name);
    const auto raw = golden_blocks.values<std::uint8_t>(name + ".raw").value();
    const auto floats = golden_blocks.values<float>(name + ".f32").value();
    const auto n_blocks =
        static_cast<std::size_t>(golden_blocks.find_tensor(name + ".raw")->shape[0]);
    const std::size_t n_values = floats.size() / n_blocks;
    const auto logits =
        logits_of(folder, {ggml_type, n_values, std::as_bytes(std::span(raw)), n_blocks});
    const auto expected =
        logits_of(folder, {kF32, n_values, std::as_bytes(std::span(floats)), n_blocks});
    const float largest =
        std::abs(*std::max_element(expected.begin(), expected.end(),
                                   [](float a, float b) { return std::abs(a) < std::abs(b); }));
    ASSERT_GT(largest, 0);
    for (std::size_t i = 0; i < logits.size(); ++i)
      ASSERT_NEAR(logits[i], expected[i], 1e-5f * largest) << i;
  }
}

}  // namespace
}  // namespace sputnik::cli
