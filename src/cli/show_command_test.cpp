#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/mapped_file.h"
#include "chat/chat_testing.h"
#include "cli/program_testing.h"
#include "formats/gguf_testing.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

json show(const std::filesystem::path& path, const Arguments& more = {}) {
  Arguments arguments = {"show", path.string(), "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_for_json(arguments);
}

struct Case {
  std::string path, architecture;
  std::int64_t n_parameters;  // as tests/golden/*/README says of the models
  std::set<std::string> types;
  std::int64_t context;
};

TEST(Show, SaysWhatEveryGoldenModelIs) {
  const std::vector<Case> cases = {
      {"deepseek-v3-tiny", "deepseek_v3", 393'512, {"F32"}, 163840},
      {"deepseek-v3-fp8-tiny", "deepseek_v3", 1'454'088, {"F8_E4M3", "BF16", "F32"}, 163840},
      {"deepseek-v2-lite-tiny", "deepseek_v2", 390'688, {"F32"}, 163840},
      {"deepseek-v2-tiny", "deepseek_v2", 212'192, {"F32"}, 163840},
      {"deepseek-v3-mtp-tiny", "deepseek_v3", 393'184, {"F32"}, 163840},
      {"qwen2-tiny", "qwen2", 221'984, {"F32"}, 131072},
      {"qwen2-tied-tiny/sharded", "qwen2", 94'784, {"F32"}, 32768},
      {"llama3-tiny/bf16", "llama", 221'664, {"BF16"}, 131072},
      {"gguf/deepseek-v3-tiny/model-mla-q8_0.gguf",
       "deepseek_v3",
       393'512,
       {"F16", "F32", "Q8_0"},
       163840},
      {"gguf/deepseek-v2-lite-tiny/model-mla-f16.gguf",
       "deepseek_v2",
       390'688,
       {"F16", "F32"},
       163840},
      {"gguf/qwen2-tied-tiny/model-f32.gguf", "qwen2", 94'784, {"F32"}, 32768},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.path);
    const json shown = show(golden(c.path));
    EXPECT_EQ(shown["architecture"], c.architecture);
    EXPECT_EQ(shown["parameters"]["total"], c.n_parameters);
    const bool has_experts = c.architecture.starts_with("deepseek");
    EXPECT_EQ(shown["parameters"]["active"] < c.n_parameters, has_experts);
    EXPECT_EQ(shown["context"], c.context);
    EXPECT_EQ(shown["is_distill"], false);
    std::set<std::string> types;
    for (const auto& [type, info] : shown["types"].items()) {
      types.insert(type);
      EXPECT_GT(info["bytes"], 0);
    }
    EXPECT_EQ(types, c.types);
    for (const char* context : {"4096", "32768", "full"}) {
      const json& need = shown["memory"][context];
      EXPECT_EQ(need["total_bytes"].get<std::int64_t>(),
                need["weight_bytes"].get<std::int64_t>() + need["cache_bytes"].get<std::int64_t>() +
                    need["activation_bytes"].get<std::int64_t>());
    }
    EXPECT_LT(shown["memory"]["4096"]["cache_bytes"], shown["memory"]["32768"]["cache_bytes"]);
    EXPECT_EQ(shown["memory"]["full"]["tokens"], c.context);
  }
}

TEST(Show, SpeaksToPeopleToo) {
  const ProgramResult result = run_program({"show", stories_model().string()});
  EXPECT_EQ(result.status, 0);
  for (const char* line : {"name            stories260K\n", "kind            a Llama model\n",
                           "chat template   none\n", "context         512 tokens\n"})
    EXPECT_NE(result.out.find(line), std::string::npos) << line << result.out;
}

// The folder's name is that of the model, and a distill must not pass for R1 whatever it is called.
TEST(Show, CallsADistillByItsOwnName) {
  const TestFolder folder;
  const auto copy_as = [&](const char* model, const char* name) {
    const auto path = folder.path() / name;
    std::filesystem::create_directories(path);
    for (const char* file : {"config.json", "model.safetensors"})
      std::filesystem::copy(golden(model) / file, path);
    return path;
  };
  json shown = show(copy_as("qwen2-tiny", "DeepSeek-R1-Distill-Qwen-1.5B"));
  EXPECT_EQ(shown["name"], "DeepSeek-R1-Distill-Qwen-1.5B");
  EXPECT_EQ(shown["kind"], "a distilled Qwen2 model, not R1");
  EXPECT_EQ(shown["is_distill"], true);
  shown = show(copy_as("llama3-tiny", "DeepSeek-R1-8B"));
  EXPECT_EQ(shown["name"], "DeepSeek-R1-Distill-Llama-8B");
  EXPECT_EQ(shown["is_distill"], true);
  shown = show(copy_as("qwen2-tiny", "my-qwen"));
  EXPECT_EQ(shown["name"], "my-qwen");
  EXPECT_EQ(shown["kind"], "a Qwen2 model");
  EXPECT_EQ(shown["chat_template"], nullptr);
  shown = show(copy_as("deepseek-v3-tiny", "DeepSeek-R1"));
  EXPECT_EQ(shown["name"], "DeepSeek-R1");
  EXPECT_EQ(shown["is_distill"], false);

  // A name that says nothing, but the distill's tokenizer.
  const auto unnamed = folder.path() / "my-qwen";
  for (const char* file : {"tokenizer.json.zst", "tokenizer_config.json"}) {
    std::ofstream(unnamed /
                  std::filesystem::path(file).replace_extension().replace_extension(".json"))
        << chat::read_test_data(fmt::format("tokenizers/r1-distill-qwen/{}", file));
  }
  shown = show(unnamed);
  EXPECT_EQ(shown["is_distill"], true);
  EXPECT_EQ(shown["chat_template"], "r1-distill-qwen");
}

TEST(Show, TakesConfigValuesFromTheCommandLine) {
  const auto path = golden("gguf/deepseek-v3-tiny/model-kvb-f16.gguf");
  EXPECT_EQ(show(path, {"--set", "max_position_embeddings=8192"})["context"], 8192);
  EXPECT_TRUE(fails_with(run_program({"show", path.string(), "--set", "n_group=5"}), {"n_group"}));
  EXPECT_TRUE(fails_with(run_program({"show", path.string(), "--set", "n_group"}),
                         {"--set n_group: the form is KEY=VALUE"}));
}

}  // namespace
}  // namespace sputnik::cli
