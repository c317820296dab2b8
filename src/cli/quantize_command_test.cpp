// Writing GGUF files through the program, by people who are careful and by people who are not.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "chat/choose_template.h"
#include "cli/program_testing.h"
#include "formats/gguf.h"
#include "formats/gguf_testing.h"
#include "train/chat_template.h"

namespace sputnik::cli {
namespace {

using nlohmann::json;

class Quantize : public testing::Test {
 protected:
  std::string output(std::string_view name = "out.gguf") const {
    return (folder_.path() / name).string();
  }
  // A golden model in the test's own folder, where files can be changed.
  std::string copy_of(std::string_view model) const {
    const auto copy = folder_.path() / "model";
    std::filesystem::copy(golden(model), copy);
    return copy.string();
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  std::string text_of(std::string_view key) const {
    const GgufFile file = std::move(GgufFile::open(output())).value();
    return std::string(file.metadata().get_string_or(key, "none").value());
  }

  TestFolder folder_;
};

TEST_F(Quantize, MakesOneFileThatOtherCommandsRead) {
  const std::string model = golden("deepseek-v3-tiny").string();
  const ProgramResult result =
      run_program({"quantize", model, "-o", output(), "--type", "q8_0", "--name", "Tiny"});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_NE(result.out.find("out.gguf: "), std::string::npos) << result.out;
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(files(), std::vector<std::string>{"out.gguf"});

  const json shown = run_for_json({"show", output(), "--json"});
  EXPECT_EQ(shown["name"], "Tiny");
  EXPECT_EQ(shown["architecture"], "deepseek_v3");
  EXPECT_EQ(shown["layers"], 3);
  EXPECT_TRUE(shown["types"].contains("Q8_0"));
  const std::string text = "Hello, world 1234\n";
  EXPECT_EQ(run_for_json({"tokenize", "--model", output(), "--json", text}),
            run_for_json({"tokenize", "--model", model, "--json", text}));
}

TEST_F(Quantize, ReportsAsJson) {
  const json report =
      run_for_json({"quantize", golden("deepseek-v3-mtp-tiny").string(), "-o", output(), "--json"});
  EXPECT_EQ(report["bytes"], std::filesystem::file_size(output()));
  EXPECT_EQ(report["type"], "q8_0");
  std::int64_t n_tensors = 0;
  for (const auto& [type, share] : report["types"].items())
    n_tensors += share["tensors"].get<std::int64_t>();
  EXPECT_EQ(report["tensors"], n_tensors);
  EXPECT_NE(report["notes"][0].get<std::string>().find("multi-token prediction"),
            std::string::npos);
}

TEST_F(Quantize, WritesWhatItIsToldToSayAboutTheModel) {
  const ProgramResult result =
      run_program({"quantize", golden("qwen2-tiny").string(), "-o", output(), "--license", "mit",
                   "--meta", "author=Ada=Lovelace", "--meta", "general.tags=math,small", "--meta",
                   "base_model.count=1", "--meta", "base_model.0.name=Nobody"});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_EQ(text_of("general.license"), "mit");
  EXPECT_EQ(text_of("general.author"), "Ada=Lovelace");
  EXPECT_EQ(text_of("general.name"), "qwen2-tiny");
  EXPECT_EQ(text_of("general.type"), "model");
  EXPECT_EQ(text_of("general.base_model.0.name"), "Nobody");
  const GgufFile file = std::move(GgufFile::open(output())).value();
  EXPECT_EQ(file.metadata().get_string_array("general.tags").value().size(), 2u);
  EXPECT_EQ(file.metadata().get_i64("general.base_model.count").value(), 1);
  EXPECT_EQ(file.metadata().get_i64("general.file_type").value(), 7);
}

TEST_F(Quantize, AGgufFileKeepsItsTokenizerAndWhatItSaysOfItself) {
  const ProgramResult result =
      run_program({"quantize", stories_model().string(), "-o", output(), "--type", "f16"});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  const GgufFile before = std::move(GgufFile::open(stories_model())).value();
  const GgufFile after = std::move(GgufFile::open(output())).value();
  for (const auto& [key, value] : before.metadata().entries()) {
    if (!key.starts_with("tokenizer.") && key != "general.name") continue;
    ASSERT_NE(after.metadata().find(key), nullptr) << key;
    EXPECT_EQ(describe(*after.metadata().find(key)), describe(value)) << key;
  }
  const Arguments story = {"--max-tokens", "20", "--greedy", "--prompt", "Once upon a time"};
  Arguments ours = {"generate", "--model", output()};
  Arguments theirs = {"generate", "--model", stories_model().string()};
  ours.insert(ours.end(), story.begin(), story.end());
  theirs.insert(theirs.end(), story.begin(), story.end());
  EXPECT_EQ(run_program(ours).out, run_program(theirs).out);
}

TEST_F(Quantize, AModelOfOursIsTalkedToInItsOwnForm) {
  // It trains for a step; what matters is what its folder says.
  std::string recipe = read_file(source("recipes/tiny-smoke.toml")).value();
  recipe.replace(recipe.find("steps = 30"), 10, "steps = 1");
  const auto recipe_path = folder_.write("recipe.toml", recipe);
  ASSERT_EQ(run_program({"train", recipe_path.string(), "--output", output("run")}).status, 0);
  const ProgramResult result =
      run_program({"quantize", output("run") + "/model", "-o", output(), "--type", "f32"});
  ASSERT_EQ(result.status, 0) << testing::PrintToString(result);
  EXPECT_EQ(text_of("tokenizer.chat_template"), chat_template());
  EXPECT_EQ(text_of("tokenizer.ggml.pre"), "smollm");
  for (const std::string& model : {output(), output("run") + "/model"})
    EXPECT_EQ(run_for_json({"show", model, "--json"})["chat_template"], "deepseek-r1") << model;
  const std::string chat = R"({"messages":[{"role":"user","content":"2+2?"}]})";
  EXPECT_EQ(run_for_json({"tokenize", "--model", output(), "--chat"}, chat + "\n"),
            run_for_json({"tokenize", "--model", output("run") + "/model", "--chat"}, chat + "\n"));
}

TEST(ChatTemplateOfOurs, IsTakenForR1s) {
  const auto chosen = chat::choose_template({.chat_template = chat_template(),
                                             .architecture = "deepseek2",
                                             .model_name = "",
                                             .has_token = nullptr});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(chosen.value().name(), "deepseek-r1");
}

// ------------------------------------------------------------------------------------------------
// what must not happen

TEST_F(Quantize, DoesNotWriteOverTheModelItReads) {
  const auto gguf = folder_.write("model.gguf", read_file(stories_model()).value());
  const auto link = folder_.path() / "link.gguf";
  std::filesystem::create_symlink(gguf, link);
  const auto hard_link = folder_.path() / "hard.gguf";
  std::filesystem::create_hard_link(gguf, hard_link);
  for (const auto& path : {gguf, link, hard_link}) {
    EXPECT_TRUE(fails_with(run_program({"quantize", gguf.string(), "-o", path.string()}),
                           {path.filename().string(), "that is"}));
  }
  EXPECT_EQ(read_file(gguf).value(), read_file(stories_model()).value());

  const std::string model = copy_of("qwen2-tied-tiny/sharded");
  for (const auto& entry : std::filesystem::directory_iterator(model)) {
    EXPECT_TRUE(fails_with(run_program({"quantize", model, "-o", entry.path().string()}),
                           {"that is a file of the model itself"}));
  }
}

TEST_F(Quantize, DoesNotWriteOverAPartOfASplitModel) {
  const std::string bytes = read_file(stories_model()).value();
  const auto first = folder_.write("m-00001-of-00002.gguf", bytes);
  const auto second = folder_.write("m-00002-of-00002.gguf", bytes);
  EXPECT_TRUE(fails_with(run_program({"quantize", first.string(), "-o", second.string()}),
                         {"that is a file of the model itself"}));
}

TEST_F(Quantize, ReplacesAnEarlierFileWhole) {
  folder_.write("out.gguf", "an earlier file");
  const std::string model = golden("qwen2-tiny").string();
  ASSERT_EQ(run_program({"quantize", model, "-o", output()}).status, 0);
  EXPECT_TRUE(GgufFile::open(output()).ok());
  EXPECT_EQ(files(), std::vector<std::string>{"out.gguf"});
}

TEST_F(Quantize, NeedsATokenizerAndAModelThatItKnows) {
  const std::string model = copy_of("qwen2-tiny");
  std::filesystem::remove(std::filesystem::path(model) / "tokenizer.json");
  EXPECT_TRUE(fails_with(run_program({"quantize", model, "-o", output()}),
                         {"there is no tokenizer.json in this folder"}));
  EXPECT_TRUE(fails_with(run_program({"quantize", output("missing"), "-o", output()}),
                         {"missing", "No such file"}));
  const auto text = folder_.write("text.gguf", "no model");
  EXPECT_TRUE(fails_with(run_program({"quantize", text.string(), "-o", output()}), {"text.gguf"}));
  std::filesystem::remove(std::filesystem::path(model) / "model.safetensors");
  EXPECT_TRUE(fails_with(run_program({"quantize", model, "-o", output()}), {"model"}));
  EXPECT_FALSE(std::filesystem::exists(output()));
}

TEST_F(Quantize, AWeightThatIsMissingOrMisshapenIsNamed) {
  const std::string model = copy_of("deepseek-v3-tiny");
  const auto config_path = std::filesystem::path(model) / "config.json";
  json config = json::parse(read_file(config_path).value());
  config["kv_lora_rank"] = 33;
  folder_.write("model/config.json", config.dump());
  EXPECT_TRUE(fails_with(run_program({"quantize", model, "-o", output()}), {"kv_a"}));
  EXPECT_FALSE(std::filesystem::exists(output()));
}

TEST_F(Quantize, HostileOptionsAreRefusedInOneLine) {
  const std::string model = golden("qwen2-tiny").string();
  const auto fails = [&](const Arguments& more, std::string_view part) {
    Arguments arguments = {"quantize", model, "-o", output()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = run_program(arguments);
    EXPECT_FALSE(std::filesystem::exists(output()));
    return fails_with(result, {part});
  };
  EXPECT_TRUE(fails({"--type", "q9\n"}, "is none of f32, f16"));
  EXPECT_TRUE(fails({"--meta", "author"}, "the form is KEY=VALUE"));
  EXPECT_TRUE(fails({"--meta", "=x"}, "the form is KEY=VALUE"));
  EXPECT_TRUE(fails({"--meta", "Author=x"}, "a key is made of"));
  EXPECT_TRUE(fails({"--meta", std::string(200, 'a') + "=x"}, "a key is made of"));
  EXPECT_TRUE(fails({"--meta", "architecture=llama"}, "this is decided by the weights"));
  EXPECT_TRUE(fails({"--meta", "general.alignment=7"}, "this is decided by the weights"));
  EXPECT_TRUE(fails({"--meta", "author=\xff"}, "not UTF-8"));
  EXPECT_TRUE(fails({"--meta", "base_model.count=many"}, "not a number"));
  EXPECT_TRUE(fails({"--name", "\xff"}, "not UTF-8"));
  EXPECT_TRUE(fails({"--license", "\xff"}, "not UTF-8"));
  EXPECT_TRUE(fails_with(run_program({"quantize", model, "-o", folder_.path().string()}),
                         {"something that is not a file"}));
  EXPECT_TRUE(fails_with(run_program({"quantize", model, "-o", output("no/such/folder.gguf")}),
                         {"no/such/folder.gguf"}));
  EXPECT_EQ(run_program({"quantize", model}).status, 2);
  EXPECT_EQ(run_program({"quantize", model, "-o", output(), "--threads", "-1"}).status, 2);
}

}  // namespace
}  // namespace sputnik::cli
