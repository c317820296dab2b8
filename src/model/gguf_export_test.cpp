#include "model/gguf_export.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "base/mapped_file.h"
#include "formats/gguf.h"
#include "formats/gguf_testing.h"
#include "kernels/dispatch.h"
#include "model/gguf_keys.h"
#include "model/loader.h"
#include "model/model_testing.h"
#include "tensor/quant_codec.h"

namespace sputnik {
namespace {

std::filesystem::path golden(const std::string& path) {
  return std::filesystem::path(SPUTNIK_SOURCE_DIR) / "tests/golden" / path;
}

// Of float32, relative to the largest logit.
constexpr double kFewRoundings = 2e-6;

struct ExportOptions {
  bool keep_mtp = false;
  int n_threads = 2;
};

Result<GgufExport> plan(const std::filesystem::path& model, std::string_view type,
                        bool keep_mtp = false) {
  SPUTNIK_TRY(Checkpoint checkpoint, open_checkpoint(model));
  return GgufExport::create(std::move(checkpoint), gguf_quantization(type).value(), keep_mtp);
}

Result<void> write(GgufExport& out, const std::filesystem::path& path, int n_threads = 2) {
  SPUTNIK_TRY(GgufFileWriter file, GgufFileWriter::create(path, out.keys(), out.tensors()));
  ThreadPool pool(n_threads);
  const kernels::KernelTable& kernels = *kernels::choose_table("").value();
  std::uint64_t last = 0;
  SPUTNIK_CHECK_OK(out.write(file, pool, kernels, [&](std::uint64_t n_bytes) {
    EXPECT_GT(n_bytes, last);
    last = n_bytes;
    return true;
  }));
  EXPECT_EQ(last, out.data_bytes());
  return file.finish();
}

// model as a GGUF file of a type, in a folder.
void export_as(const std::filesystem::path& model, std::string_view type,
               const std::filesystem::path& path, const ExportOptions& options = {}) {
  auto planned = plan(model, type, options.keep_mtp);
  ASSERT_TRUE(planned.ok()) << planned.error().message;
  const auto written = write(planned.value(), path, options.n_threads);
  ASSERT_TRUE(written.ok()) << written.error().message;
}

const std::vector<std::int32_t> kPrompt = {3,  17, 40, 5, 99, 120, 7, 7,
                                           60, 1,  33, 2, 81, 14,  9, 26};

std::vector<float> logits_of(const std::filesystem::path& path) {
  const auto loaded = load_model(path);
  EXPECT_TRUE(loaded.ok()) << loaded.error().message;
  if (!loaded.ok()) return {};
  ModelRunner runner(*loaded.value().model, {});
  return runner.run(kPrompt);
}

double largest(std::span<const float> values) {
  double result = 0;
  for (const float x : values) result = std::max(result, std::abs(static_cast<double>(x)));
  return result;
}

double rms(std::span<const float> values) {
  double sum = 0;
  for (const float x : values) sum += static_cast<double>(x) * static_cast<double>(x);
  return std::sqrt(sum / static_cast<double>(values.size()));
}

double rms_difference(std::span<const float> a, std::span<const float> b) {
  std::vector<float> difference(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) difference[i] = a[i] - b[i];
  return rms(difference);
}

class RoundTrip : public testing::TestWithParam<const char*> {};

TEST_P(RoundTrip, AsF32TheLogitsAreThoseOfTheFolder) {
  const TestFolder folder;
  const auto path = folder.path() / "model.gguf";
  export_as(golden(GetParam()), "f32", path);
  const std::vector<float> expected = logits_of(golden(GetParam()));
  // The weights are the same to the bit. kv_b_proj in halves is multiplied in another order, and
  // rope_freqs are divisors in float32.
  const double difference = max_difference(logits_of(path), expected) / largest(expected);
  EXPECT_LE(difference, kFewRoundings);
  RecordProperty("largest_logit_difference", fmt::format("{:.2g}", difference));
  fmt::print("{}: largest logit difference {:.2g} of the largest logit\n", GetParam(), difference);
}

// Routing flips where experts are nearly equal, and then a token's logits are others: what counts
// is how many tokens are hit.
TEST_P(RoundTrip, AsQ8_0TheLogitsAreCloseToThoseOfTheFolder) {
  const TestFolder folder;
  const auto path = folder.path() / "model.gguf";
  export_as(golden(GetParam()), "q8_0", path);
  const std::vector<float> expected = logits_of(golden(GetParam())), logits = logits_of(path);
  ASSERT_EQ(logits.size(), expected.size());
  const std::size_t n = expected.size() / kPrompt.size();
  std::vector<double> differences;
  for (std::size_t i = 0; i < kPrompt.size(); ++i) {
    const auto row = std::span(expected).subspan(i * n, n);
    differences.push_back(rms_difference(std::span(logits).subspan(i * n, n), row) / rms(row));
  }
  std::sort(differences.begin(), differences.end());
  const double median = differences[differences.size() / 2];
  EXPECT_GT(median, 0);
  EXPECT_LE(median, 0.05);
  fmt::print("{}: logits of a token differ by {:.2g} (median), {:.2g} (largest)\n", GetParam(),
             median, differences.back());
}

INSTANTIATE_TEST_SUITE_P(
    GgufExport, RoundTrip,
    testing::Values("deepseek-v3-tiny", "deepseek-v3-fp8-tiny", "deepseek-v3-mtp-tiny",
                    "deepseek-v2-tiny", "deepseek-v2-lite-tiny", "qwen2-tiny", "qwen2-tied-tiny",
                    "qwen2-tied-tiny/sharded", "llama3-tiny", "llama3-tiny/bf16",
                    "gguf/deepseek-v3-tiny/model-kvb-f16.gguf",
                    "gguf/deepseek-v3-tiny/model-mla-f16.gguf",
                    "gguf/qwen2-tied-tiny/model-f32.gguf", "gguf/llama3-tiny/model-bf16.gguf"),
    [](const testing::TestParamInfo<const char*>& instance) {
      std::string name;
      for (const char c : std::string_view(instance.param))
        name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

TEST(GgufExport, TensorsAreThoseThatLlamaCppsConverterWrites) {
  for (const auto& [model, theirs] :
       {std::pair("deepseek-v3-tiny", "deepseek-v3-tiny/model-mla-f16.gguf"),
        std::pair("deepseek-v2-lite-tiny", "deepseek-v2-lite-tiny/model-mla-f16.gguf"),
        std::pair("qwen2-tiny", "qwen2-tiny/model-f32.gguf"),
        std::pair("qwen2-tied-tiny", "qwen2-tied-tiny/model-f32.gguf"),
        std::pair("llama3-tiny", "llama3-tiny/model-bf16.gguf")}) {
    const GgufFile file = std::move(GgufFile::open(golden(fmt::format("gguf/{}", theirs)))).value();
    const auto planned = plan(golden(model), "f32");
    ASSERT_TRUE(planned.ok()) << planned.error().message;
    std::set<std::string> names;
    for (const GgufTensorLine& line : planned.value().tensors()) {
      names.insert(line.name);
      const GgufTensorInfo* info = file.find_tensor(line.name);
      ASSERT_NE(info, nullptr) << model << " " << line.name;
      EXPECT_EQ(line.shape, info->shape) << model << " " << line.name;
    }
    for (const GgufTensorInfo& info : file.tensors())
      EXPECT_TRUE(names.contains(std::string(info.name))) << model << " lacks " << info.name;
  }
}

TEST(GgufExport, WeightsAreBitForBitThoseOfLlamaCppsConverter) {
  const TestFolder folder;
  const auto path = folder.path() / "model.gguf";
  int n_compared = 0;
  for (const auto& [model, theirs, type] :
       {std::tuple("deepseek-v3-tiny", "deepseek-v3-tiny/model-mla-f16.gguf", "f16"),
        std::tuple("deepseek-v2-lite-tiny", "deepseek-v2-lite-tiny/model-mla-f16.gguf", "f16"),
        std::tuple("qwen2-tiny", "qwen2-tiny/model-f32.gguf", "f32"),
        std::tuple("llama3-tiny", "llama3-tiny/model-bf16.gguf", "bf16")}) {
    export_as(golden(model), type, path);
    const GgufFile expected =
        std::move(GgufFile::open(golden(fmt::format("gguf/{}", theirs)))).value();
    const GgufFile file = std::move(GgufFile::open(path)).value();
    for (const GgufTensorInfo& info : file.tensors()) {
      const GgufTensorInfo* other = expected.find_tensor(info.name);
      ASSERT_NE(other, nullptr);
      if (info.dtype != other->dtype) continue;
      if (info.name == "rope_freqs.weight") continue;  // theirs were computed in float32
      EXPECT_TRUE(
          std::equal(info.data.begin(), info.data.end(), other->data.begin(), other->data.end()))
          << model << " " << info.name;
      ++n_compared;
    }
  }
  EXPECT_GT(n_compared, 100);
}

// Every encoder against the weights it encodes.
TEST(GgufExport, TypesKeepWeightsAsExactlyAsTheyCan) {
  const TestFolder folder;
  const auto model = golden("qwen2-tiny");
  const Checkpoint source = std::move(open_checkpoint(model)).value();
  const std::string name = "model.layers.0.mlp.down_proj.weight";  // 192 columns
  for (const auto& [type, tolerance] :
       {std::pair("f32", 0.0), std::pair("f16", 3e-4), std::pair("bf16", 3e-3),
        std::pair("q8_0", 6e-3), std::pair("q4_0", 0.11)}) {
    const auto path = folder.path() / fmt::format("{}.gguf", type);
    export_as(model, type, path);
    const Checkpoint written = std::move(open_checkpoint(path)).value();
    const auto floats = [&](const Checkpoint& checkpoint) {
      const Weight w = std::move(checkpoint.store->matrix(name, 96, 192)).value();
      std::vector<float> values(96 * 192);
      dequantize_row(w.dtype, w.data, values.data(), 96 * 192);
      return values;
    };
    const std::vector<float> before = floats(source), after = floats(written);
    const double error = rms_difference(after, before) / rms(before);
    EXPECT_LE(error, tolerance) << type;
    EXPECT_GE(error, tolerance / 5) << type;
  }
}

TEST(GgufExport, TheBytesDoNotDependOnTheNumberOfThreads) {
  const TestFolder folder;
  std::vector<std::string> files;
  for (const int n_threads : {1, 5}) {
    const auto path = folder.path() / fmt::format("model-{}.gguf", n_threads);
    export_as(golden("deepseek-v3-tiny"), "q8_0", path, {.n_threads = n_threads});
    files.push_back(std::move(read_file(path)).value());
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST(GgufExport, BlocksThatHaveTheTypeAlreadyAreCopied) {
  const TestFolder folder;
  const auto source = golden("gguf/deepseek-v3-tiny/model-mla-q8_0.gguf");
  const auto path = folder.path() / "model.gguf";
  export_as(source, "q8_0", path);
  const GgufFile before = std::move(GgufFile::open(source)).value();
  const GgufFile after = std::move(GgufFile::open(path)).value();
  int n_blocks = 0;
  for (const GgufTensorInfo& info : after.tensors()) {
    const GgufTensorInfo* old = before.find_tensor(info.name);
    ASSERT_NE(old, nullptr);
    if (info.dtype != old->dtype) continue;
    n_blocks += info.dtype == DType::kQ8_0 ? 1 : 0;
    EXPECT_TRUE(std::equal(info.data.begin(), info.data.end(), old->data.begin(), old->data.end()))
        << info.name;
  }
  EXPECT_GT(n_blocks, 10);
}

TEST(GgufExport, PredictionModulesAreLeftOutUnlessTheyAreAskedFor) {
  const TestFolder folder;
  const auto model = golden("deepseek-v3-mtp-tiny");
  auto without = plan(model, "f32");
  ASSERT_TRUE(without.ok());
  ASSERT_FALSE(without.value().notes().empty());
  EXPECT_EQ(without.value().notes().front(),
            "1 layer for multi-token prediction is left out, because other programs refuse files "
            "with them; --mtp keeps them");
  for (const GgufTensorLine& line : without.value().tensors())
    EXPECT_EQ(line.name.find("nextn"), line.name.npos) << line.name;

  const auto path = folder.path() / "model.gguf";
  export_as(model, "f32", path, {.keep_mtp = true});
  const LoadedModel original = std::move(load_model(model)).value();
  const LoadedModel loaded = std::move(load_model(path)).value();
  ASSERT_EQ(loaded.model->num_nextn_predict_layers(), 1);
  ModelRunner theirs(*original.model, {}), ours(*loaded.model, {});
  const std::vector<float> expected = theirs.run_mtp(kPrompt);
  EXPECT_LE(max_difference(ours.run_mtp(kPrompt), expected) / largest(expected), kFewRoundings);
}

// ------------------------------------------------------------------------------------------------
// what cannot be written

// A copy of a golden folder with values of its config changed.
std::filesystem::path changed(const TestFolder& folder, const std::string& model,
                              const nlohmann::json& changes) {
  std::filesystem::copy(golden(model), folder.path() / "changed");
  const auto path = folder.path() / "changed" / "config.json";
  nlohmann::json config = nlohmann::json::parse(read_file(path).value());
  config.merge_patch(changes);
  EXPECT_TRUE(write_file_atomically(path, config.dump()).ok());
  return folder.path() / "changed";
}

std::string planning_error(const std::filesystem::path& model) {
  const auto planned = plan(model, "f32");
  return planned.ok() ? "none" : planned.error().message;
}

TEST(GgufExport, RefusesConfigurationsThatGgufHasNoKeysFor) {
  {
    const TestFolder folder;
    EXPECT_NE(
        planning_error(changed(folder, "deepseek-v3-tiny",
                               {{"rope_scaling", {{"mscale", 1.0}, {"mscale_all_dim", 0.5}}}}))
            .find("GGUF has one key for both"),
        std::string::npos);
  }
  {
    const TestFolder folder;
    EXPECT_EQ(planning_error(
                  changed(folder, "deepseek-v3-tiny", {{"topk_method", "group_limited_greedy"}})),
              "scoring_func sigmoid with topk_method group_limited_greedy");
  }
}

TEST(GgufExport, ASigmoidRouterWithoutBiasGetsOneOfZeros) {
  const TestFolder folder;
  nlohmann::json config = {{"model_type", "deepseek_v3"},
                           {"vocab_size", 8},
                           {"hidden_size", 4},
                           {"intermediate_size", 4},
                           {"num_hidden_layers", 1},
                           {"num_attention_heads", 1},
                           {"kv_lora_rank", 4},
                           {"qk_nope_head_dim", 4},
                           {"qk_rope_head_dim", 2},
                           {"v_head_dim", 4},
                           {"n_routed_experts", 2},
                           {"num_experts_per_tok", 1},
                           {"moe_intermediate_size", 4},
                           {"scoring_func", "sigmoid"},
                           {"topk_method", "greedy"}};
  SafetensorsWriter writer;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    Bytes data;
    std::int64_t n = 1;
    for (const std::int64_t size : shape) n *= size;
    for (std::int64_t i = 0; i < n; ++i) append(data, static_cast<float>((i * 7 + n) % 11) / 11);
    writer.add(name, "F32", shape, data);
  };
  add("model.embed_tokens.weight", {8, 4});
  add("model.norm.weight", {4});
  add("lm_head.weight", {8, 4});
  const std::string layer = "model.layers.0.";
  for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
    add(layer + norm + ".weight", {4});
  add(layer + "self_attn.kv_a_layernorm.weight", {4});
  add(layer + "self_attn.q_proj.weight", {6, 4});
  add(layer + "self_attn.kv_a_proj_with_mqa.weight", {6, 4});
  add(layer + "self_attn.kv_b_proj.weight", {8, 4});
  add(layer + "self_attn.o_proj.weight", {4, 4});
  add(layer + "mlp.gate.weight", {2, 4});
  for (const char* expert : {"0", "1"}) {
    for (const char* part : {"gate_proj", "up_proj", "down_proj"})
      add(fmt::format("{}mlp.experts.{}.{}.weight", layer, expert, part), {4, 4});
  }
  folder.write("model.safetensors", writer.bytes());
  folder.write("config.json", config.dump());
  const auto path = folder.path() / "out.gguf";
  export_as(folder.path(), "f32", path);
  const GgufFile file = std::move(GgufFile::open(path)).value();
  EXPECT_NE(file.find_tensor("blk.0.exp_probs_b.bias"), nullptr);
  const LoadedModel original = std::move(load_model(folder.path())).value();
  const LoadedModel loaded = std::move(load_model(path)).value();
  const std::vector<std::int32_t> prompt = {1, 2, 3, 4, 5};
  ModelRunner theirs(*original.model, {}), ours(*loaded.model, {});
  EXPECT_LE(max_difference(ours.run(prompt), theirs.run(prompt)), 1e-6);
}

// A Llama of one layer, with one weight set.
std::filesystem::path llama_with(const TestFolder& folder, float value) {
  const nlohmann::json config = {{"model_type", "llama"},      {"vocab_size", 8},
                                 {"hidden_size", 32},          {"intermediate_size", 32},
                                 {"num_hidden_layers", 1},     {"num_attention_heads", 2},
                                 {"tie_word_embeddings", true}};
  SafetensorsWriter writer;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    Bytes data;
    std::int64_t n = 1;
    for (const std::int64_t size : shape) n *= size;
    for (std::int64_t i = 0; i < n; ++i)
      append(data, name.ends_with("up_proj.weight") && i == 70 ? value : 0.5f);
    writer.add(name, "F32", shape, data);
  };
  add("model.embed_tokens.weight", {8, 32});
  add("model.norm.weight", {32});
  const std::string layer = "model.layers.0.";
  for (const char* norm : {"input_layernorm", "post_attention_layernorm"})
    add(layer + norm + ".weight", {32});
  for (const char* part : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                           "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"})
    add(layer + part + ".weight", {32, 32});
  folder.write("model.safetensors", writer.bytes());
  folder.write("config.json", config.dump());
  return folder.path();
}

std::string writing_error(float value, std::string_view type) {
  const TestFolder folder;
  auto planned = plan(llama_with(folder, value), type);
  EXPECT_TRUE(planned.ok());
  const auto written = write(planned.value(), folder.path() / "out.gguf");
  return written.ok() ? "none" : written.error().message;
}

TEST(GgufExport, RefusesWeightsThatTheirTypeCannotHold) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const char* type : {"f16", "q8_0", "bf16"}) {
    EXPECT_EQ(writing_error(kInfinity, type), "tensor blk.0.ffn_up.weight holds inf") << type;
    EXPECT_EQ(writing_error(-NAN, type).substr(0, 33), "tensor blk.0.ffn_up.weight holds ") << type;
  }
  EXPECT_EQ(writing_error(70000, "f16"),
            "tensor blk.0.ffn_up.weight holds 70000, which is beyond F16");
  EXPECT_EQ(writing_error(-70000, "q8_0"),
            "tensor blk.0.ffn_up.weight holds -70000, which is beyond Q8_0");
  EXPECT_EQ(writing_error(3.4e38f, "bf16"),
            "tensor blk.0.ffn_up.weight holds 3.4e+38, which is beyond BF16");
  EXPECT_EQ(writing_error(65504, "f16"), "none");
  EXPECT_EQ(writing_error(70000, "f32"), "none");
  EXPECT_EQ(writing_error(70000, "bf16"), "none");
}

TEST(GgufExport, StopsWhenItIsToldTo) {
  const TestFolder folder;
  auto planned = plan(golden("qwen2-tiny"), "f32");
  ASSERT_TRUE(planned.ok());
  GgufFileWriter file =
      std::move(GgufFileWriter::create(folder.path() / "out.gguf", planned.value().keys(),
                                       planned.value().tensors()))
          .value();
  ThreadPool pool(1);
  const auto written = planned.value().write(file, pool, *kernels::choose_table("").value(),
                                             [](std::uint64_t) { return false; });
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().code, ErrorCode::kCancelled);
}

TEST(GgufExport, NotesSayWhatBecameOfTypes) {
  const auto notes = [](const std::string& model, std::string_view type) {
    return std::move(plan(golden(model), type)).value().notes();
  };
  EXPECT_TRUE(notes("qwen2-tiny", "f32").empty());
  const auto requantized = notes("gguf/qwen2-tied-tiny/model-q8_0.gguf", "q4_0");
  ASSERT_FALSE(requantized.empty());
  EXPECT_NE(requantized.back().find("quantised again, they lose a little more"), std::string::npos);
  const auto fallen_back = notes("qwen2-tiny", "q4_k_m");
  ASSERT_FALSE(fallen_back.empty());
  EXPECT_NE(fallen_back.front().find("rows that are no whole number of blocks of 256"),
            std::string::npos);
}

}  // namespace
}  // namespace sputnik
