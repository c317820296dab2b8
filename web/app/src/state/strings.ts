/** Every word that the page says. A language is one object of this type: what is missing does not compile. */
export interface Strings {
  appName: string;
  newChat: string;
  temporaryChat: string;
  temporaryNote: string;
  searchChats: string;
  history: string;
  sidebar: string;
  today: string;
  yesterday: string;
  pinned: string;
  archived: string;
  showArchived: string;
  showChats: string;
  folders: string;
  newFolder: string;
  allChats: string;
  deleteFolder: string;
  moveTo: string;
  noFolder: string;
  rename: string;
  pin: string;
  unpin: string;
  archive: string;
  unarchive: string;
  remove: string;
  confirmRemove: (title: string) => string;
  more: (title: string) => string;
  untitled: string;
  nothingFound: string;
  noChats: string;
  transcript: string;
  you: string;
  assistant: string;
  ask: string;
  send: string;
  stop: string;
  attach: string;
  detach: (name: string) => string;
  dropHere: string;
  pastedText: string;
  notText: (name: string) => string;
  tooLarge: (name: string) => string;
  deepThink: string;
  deepThinkAlways: string;
  budget: string;
  budgetTokens: (tokens: number) => string;
  noLimit: string;
  vote: string;
  voteOf: (k: number) => string;
  oneAnswer: string;
  starting: string;
  queued: (position: number) => string;
  reading: (percent: number) => string;
  thinking: (seconds: number) => string;
  nowThinking: string;
  thoughtFor: (seconds: string) => string;
  writing: string;
  lost: string;
  done: string;
  stopped: string;
  failed: string;
  tokensPerS: (speed: string) => string;
  endedByLoop: string;
  endedByBudget: string;
  endedByReader: string;
  answerLoop: string;
  cut: string;
  answerNow: string;
  editThought: string;
  goOn: string;
  goOnFromHere: string;
  cancel: string;
  copy: string;
  copied: string;
  picture: string;
  regenerate: string;
  edit: string;
  sendEdit: string;
  version: (index: number, count: number) => string;
  previousVersion: string;
  nextVersion: string;
  about: string;
  model: string;
  quantization: string;
  seed: string;
  promptTokens: string;
  cachedTokens: string;
  thoughtTokens: string;
  answerTokens: string;
  time: string;
  receipt: string;
  agreement: (votes: number, counted: number, answer: string) => string;
  dissent: (count: number) => string;
  countingVotes: (ready: number, count: number) => string;
  context: string;
  contextUsed: (tokens: number, length: number) => string;
  contextNote: string;
  jumpToEnd: string;
  greeting: string;
  greetingSmall: (name: string, parameters: string) => string;
  greetingModel: (name: string, parameters: string, quantization: string) => string;
  distillNote: string;
  notice: (text: string) => string;
  runsHere: string;
  notKept: string;
  tryThese: string;
  examples: readonly string[];
  commands: string;
  help: string;
  settings: string;
  theme: string;
  themeAuto: string;
  themeLight: string;
  themeDark: string;
  language: string;
  instructions: string;
  instructionsNote: string;
  memory: string;
  memoryNote: string;
  addNote: string;
  save: string;
  close: string;
  shortcuts: readonly (readonly [string, string])[];
  serverAway: string;
  retry: string;
  needsKey: string;
}

export const en: Strings = {
  appName: "Sputnik",
  newChat: "New chat",
  temporaryChat: "Temporary chat",
  temporaryNote: "Temporary: nothing of this chat is written to the disk, and it is gone when you leave it.",
  searchChats: "Search chats",
  history: "Chats",
  sidebar: "Show or hide the sidebar",
  today: "Today",
  yesterday: "Yesterday",
  pinned: "Pinned",
  archived: "Archived",
  showArchived: "Show archived chats",
  showChats: "Back to chats",
  folders: "Folder",
  newFolder: "New folder",
  allChats: "All chats",
  deleteFolder: "Delete folder",
  moveTo: "Move to",
  noFolder: "No folder",
  rename: "Rename",
  pin: "Pin",
  unpin: "Unpin",
  archive: "Archive",
  unarchive: "Take out of the archive",
  remove: "Delete",
  confirmRemove: (title) => `Delete "${title}" for good?`,
  more: (title) => `Actions for ${title}`,
  untitled: "Untitled",
  nothingFound: "Nothing found",
  noChats: "No chats yet",
  transcript: "Conversation",
  you: "You",
  assistant: "Assistant",
  ask: "Ask anything",
  send: "Send",
  stop: "Stop",
  attach: "Attach files",
  detach: (name) => `Remove ${name}`,
  dropHere: "Drop text, code or CSV files here",
  pastedText: "pasted.txt",
  notText: (name) => `${name} is not a text file`,
  tooLarge: (name) => `${name} is too large (1 MB at most)`,
  deepThink: "DeepThink",
  deepThinkAlways: "This model always thinks",
  budget: "Thinking budget",
  budgetTokens: (tokens) => `${tokens.toLocaleString("en")} tokens`,
  noLimit: "no limit",
  vote: "Vote",
  voteOf: (k) => `Vote of ${k}`,
  oneAnswer: "One answer",
  starting: "Starting",
  queued: (position) => (position > 0 ? `Queued, ${position} before it` : "Queued, next"),
  reading: (percent) => `Reading prompt ${percent} %`,
  thinking: (seconds) => `Thinking ${seconds} s`,
  nowThinking: "Thinking",
  thoughtFor: (seconds) => `Thought for ${seconds} s`,
  writing: "Writing",
  lost: "Connection lost, joining again",
  done: "Answer is ready",
  stopped: "Stopped",
  failed: "Failed",
  tokensPerS: (speed) => `${speed} tokens/s`,
  endedByLoop: "The thought repeated itself without end and was closed.",
  endedByBudget: "The thought had used up its budget and was closed.",
  endedByReader: "You asked for the answer.",
  answerLoop: "The answer repeated itself without end and was cut.",
  cut: "This answer is not complete.",
  answerNow: "Answer now",
  editThought: "Edit thought",
  goOn: "Continue",
  goOnFromHere: "Go on from this thought",
  cancel: "Cancel",
  copy: "Copy",
  copied: "Copied",
  picture: "picture",
  regenerate: "Regenerate",
  edit: "Edit",
  sendEdit: "Send",
  version: (index, count) => `${index} of ${count}`,
  previousVersion: "Previous version",
  nextVersion: "Next version",
  about: "About this answer",
  model: "Model",
  quantization: "Quantization",
  seed: "Seed",
  promptTokens: "Prompt tokens",
  cachedTokens: "of them from the cache",
  thoughtTokens: "Thought tokens",
  answerTokens: "Answer tokens",
  time: "Time",
  receipt: "Receipt (for sputnik replay)",
  agreement: (votes, counted, answer) => `${votes} of ${counted} agree${answer ? `: ${answer}` : ""}`,
  dissent: (count) => (count === 1 ? "Show the other answer" : `Show the ${count} other answers`),
  countingVotes: (ready, count) => `${ready} of ${count} answers are in`,
  context: "Context",
  contextUsed: (tokens, length) => `${tokens.toLocaleString("en")} of ${length.toLocaleString("en")} tokens`,
  contextNote: "This is all that the model sees when it answers next.",
  jumpToEnd: "Jump to the end",
  greeting: "What shall we think about?",
  greetingSmall: (name, parameters) => `You are talking to ${name}, a very small model: ${parameters} parameters.`,
  greetingModel: (name, parameters, quantization) => `You are talking to ${name}: ${parameters} parameters, ${quantization}.`,
  distillNote: "It is a distilled model, not the 671-billion DeepSeek-R1.",
  notice: (text) => text,
  runsHere: "It runs on this machine. Nothing you write leaves it.",
  notKept: "The server keeps nothing: chats are gone when it stops.",
  tryThese: "Try one of these:",
  examples: [
    "What is 348 + 275?",
    "Hello! Who are you?",
    "Sort these numbers: 42, 7, 19, 88, 3",
    "Tell me a short story.",
  ],
  commands: "Search and commands",
  help: "Keyboard shortcuts",
  settings: "Settings",
  theme: "Theme",
  themeAuto: "As the system",
  themeLight: "Light",
  themeDark: "Dark",
  language: "Language",
  instructions: "Custom instructions",
  instructionsNote: "Stand before the first question of every chat.",
  memory: "Memory",
  memoryNote: "Notes below go into every chat while this is on.",
  addNote: "Add note",
  save: "Save",
  close: "Close",
  shortcuts: [
    ["Enter", "Send"],
    ["Shift+Enter", "New line"],
    ["↑", "Edit the last question (in an empty box)"],
    ["Ctrl+K", "Search and commands"],
    ["Ctrl+B", "Sidebar"],
    ["Ctrl+Shift+O", "New chat"],
    ["Esc", "Stop the answer, or close what is open"],
    ["?", "This sheet"],
  ],
  serverAway: "The server does not answer.",
  retry: "Try again",
  needsKey: "This server wants an API key with the scope manage:",
};

export const zh: Strings = {
  appName: "Sputnik",
  newChat: "新对话",
  temporaryChat: "临时对话",
  temporaryNote: "临时对话：内容不会写入磁盘，离开后即消失。",
  searchChats: "搜索对话",
  history: "对话",
  sidebar: "显示或隐藏侧边栏",
  today: "今天",
  yesterday: "昨天",
  pinned: "置顶",
  archived: "已归档",
  showArchived: "显示已归档的对话",
  showChats: "返回对话列表",
  folders: "文件夹",
  newFolder: "新建文件夹",
  allChats: "全部对话",
  deleteFolder: "删除文件夹",
  moveTo: "移动到",
  noFolder: "不放入文件夹",
  rename: "重命名",
  pin: "置顶",
  unpin: "取消置顶",
  archive: "归档",
  unarchive: "取消归档",
  remove: "删除",
  confirmRemove: (title) => `确定永久删除“${title}”吗？`,
  more: (title) => `${title} 的操作`,
  untitled: "无标题",
  nothingFound: "没有找到",
  noChats: "还没有对话",
  transcript: "对话内容",
  you: "你",
  assistant: "助手",
  ask: "有什么想问的",
  send: "发送",
  stop: "停止",
  attach: "添加文件",
  detach: (name) => `移除 ${name}`,
  dropHere: "将文本、代码或 CSV 文件拖到这里",
  pastedText: "粘贴内容.txt",
  notText: (name) => `${name} 不是文本文件`,
  tooLarge: (name) => `${name} 太大（最多 1 MB）`,
  deepThink: "深度思考",
  deepThinkAlways: "此模型总是先思考",
  budget: "思考预算",
  budgetTokens: (tokens) => `${tokens.toLocaleString("zh")} 个词元`,
  noLimit: "不限",
  vote: "投票",
  voteOf: (k) => `${k} 个回答投票`,
  oneAnswer: "一个回答",
  starting: "正在开始",
  queued: (position) => (position > 0 ? `排队中，前面还有 ${position} 个` : "排队中，下一个就是"),
  reading: (percent) => `正在读取提示 ${percent} %`,
  thinking: (seconds) => `思考中 ${seconds} 秒`,
  nowThinking: "思考中",
  thoughtFor: (seconds) => `已思考 ${seconds} 秒`,
  writing: "正在书写",
  lost: "连接中断，正在重新连接",
  done: "回答完成",
  stopped: "已停止",
  failed: "失败",
  tokensPerS: (speed) => `${speed} 词元/秒`,
  endedByLoop: "思考陷入重复，已被结束。",
  endedByBudget: "思考预算用完，已被结束。",
  endedByReader: "已按你的要求开始回答。",
  answerLoop: "回答陷入重复，已被截断。",
  cut: "这个回答还不完整。",
  answerNow: "立即回答",
  editThought: "编辑思考",
  goOn: "继续",
  goOnFromHere: "从这段思考继续",
  cancel: "取消",
  copy: "复制",
  copied: "已复制",
  picture: "图片",
  regenerate: "重新生成",
  edit: "编辑",
  sendEdit: "发送",
  version: (index, count) => `${index} / ${count}`,
  previousVersion: "上一个版本",
  nextVersion: "下一个版本",
  about: "关于这个回答",
  model: "模型",
  quantization: "量化",
  seed: "随机种子",
  promptTokens: "提示词元",
  cachedTokens: "其中来自缓存",
  thoughtTokens: "思考词元",
  answerTokens: "回答词元",
  time: "用时",
  receipt: "凭据（用于 sputnik replay）",
  agreement: (votes, counted, answer) => `${counted} 个回答中有 ${votes} 个一致${answer ? `：${answer}` : ""}`,
  dissent: (count) => `显示其他 ${count} 个回答`,
  countingVotes: (ready, count) => `${count} 个回答中已完成 ${ready} 个`,
  context: "上下文",
  contextUsed: (tokens, length) => `${tokens.toLocaleString("zh")} / ${length.toLocaleString("zh")} 词元`,
  contextNote: "下次回答时，模型看到的全部内容如下。",
  jumpToEnd: "跳到末尾",
  greeting: "想思考些什么？",
  greetingSmall: (name, parameters) => `正在与你对话的是 ${name}，一个非常小的模型：${parameters} 参数。`,
  greetingModel: (name, parameters, quantization) => `正在与你对话的是 ${name}：${parameters} 参数，${quantization}。`,
  distillNote: "这是蒸馏模型，不是 6710 亿参数的 DeepSeek-R1。",
  notice: (text) => text,
  runsHere: "它在这台机器上运行，你写的内容不会离开这里。",
  notKept: "服务器不保存任何内容：停止后对话即消失。",
  tryThese: "可以试试（此模型只学过英语，请用英语提问）：",
  examples: en.examples,
  commands: "搜索与命令",
  help: "键盘快捷键",
  settings: "设置",
  theme: "主题",
  themeAuto: "跟随系统",
  themeLight: "浅色",
  themeDark: "深色",
  language: "语言",
  instructions: "自定义指令",
  instructionsNote: "放在每个对话的第一个问题之前。",
  memory: "记忆",
  memoryNote: "打开后，下面的笔记会进入每个对话。",
  addNote: "添加笔记",
  save: "保存",
  close: "关闭",
  shortcuts: [
    ["Enter", "发送"],
    ["Shift+Enter", "换行"],
    ["↑", "编辑上一个问题（输入框为空时）"],
    ["Ctrl+K", "搜索与命令"],
    ["Ctrl+B", "侧边栏"],
    ["Ctrl+Shift+O", "新对话"],
    ["Esc", "停止回答，或关闭打开的窗口"],
    ["?", "显示此页"],
  ],
  serverAway: "服务器没有响应。",
  retry: "重试",
  needsKey: "此服务器需要具有 manage 权限的 API 密钥：",
};
