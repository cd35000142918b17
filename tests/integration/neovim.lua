-- Types into a real Neovim whose language server runs behind strop-agent: completes, accepts, goes on.
--   nvim --headless --clean -c 'luafile neovim.lua'   with, in the environment as JSON, STROP_PLAN:
--   command, root, file, filetype, lines = [{before, choose = label, after}], result
-- Writes the buffer's lines as they are in the end to `result`, or what went wrong.
local plan = vim.fn.json_decode(os.getenv('STROP_PLAN'))
local deadline = 60000

local function keys(text)
  vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(text, true, true, true), 't', false)
end

vim.cmd('edit ' .. plan.file)
vim.bo.filetype = plan.filetype
vim.o.completeopt = 'menuone,noinsert'
local buffer = vim.api.nvim_get_current_buf()
local diagnosed = false
local client = vim.lsp.start_client({
  name = 'behind-strop',
  cmd = plan.command,
  root_dir = plan.root,
  handlers = { ['textDocument/publishDiagnostics'] = function() diagnosed = true end },
})

-- Keys are taken up only by a real main loop: the steps run in a coroutine that a timer resumes.
local steps
local function pause(ms)
  vim.defer_fn(function() assert(coroutine.resume(steps)) end, ms)
  coroutine.yield()
end
local function await(what, holds)
  local last = vim.loop.now() + deadline
  while not holds() do
    if vim.loop.now() > last then error('waited in vain for ' .. what) end
    pause(10)
  end
end
local function line() return vim.api.nvim_get_current_line() end
-- As people type; changes that come faster than Neovim's debounce reach the server in one.
local function type_in(text)
  for i = 1, #text do
    local want = line() .. text:sub(i, i)
    keys(text:sub(i, i))
    await('the key ' .. text:sub(i, i), function() return line() == want end)
    pause(30)
  end
end

local function chosen(label)
  local info = vim.fn.complete_info({ 'items', 'selected' })
  for i, item in ipairs(info.items) do
    if item.word == label then return i - 1 - math.max(info.selected, 0) end
  end
end

local function run()
  await('initialize', function()
    local one = vim.lsp.get_client_by_id(client)
    return one and one.initialized
  end)
  vim.lsp.buf_attach_client(buffer, client)
  vim.bo.omnifunc = 'v:lua.vim.lsp.omnifunc'
  await('diagnostics', function() return diagnosed end)
  vim.api.nvim_win_set_cursor(0, { vim.api.nvim_buf_line_count(0), 0 })
  keys('o')
  await('insert mode', function() return vim.api.nvim_get_mode().mode == 'i' end)
  for i, step in ipairs(plan.lines) do
    type_in(step.before)
    if step.choose then
      keys('<C-x><C-o>')
      await(step.choose, function() return vim.fn.pumvisible() == 1 and chosen(step.choose) end)
      keys(('<C-n>'):rep(chosen(step.choose)) .. '<C-y>')
      await('the accept', function() return line():sub(-#step.choose) == step.choose end)
      pause(200)
    end
    type_in(step.after)
    if i < #plan.lines then
      keys('<CR>')
      await('a new line', function() return line():match('^%s*$') end)
    end
  end
  keys('<Esc>')
  await('normal mode', function() return vim.api.nvim_get_mode().mode == 'n' end)
end

local function finish()
  local done, fault = pcall(run)
  local lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
  vim.fn.writefile(done and lines or { 'FAULT ' .. tostring(fault) }, plan.result)
  vim.lsp.stop_client(client)
  pcall(await, 'the server to stop', function() return vim.lsp.get_client_by_id(client) == nil end)
  vim.cmd('qa!')
end

steps = coroutine.create(finish)
vim.defer_fn(function() assert(coroutine.resume(steps)) end, 10)
