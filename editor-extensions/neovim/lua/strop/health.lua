-- :checkhealth strop
local agent = require('strop.agent')
local clients = require('strop.clients')
local settings = require('strop.settings')

local M = {}

-- Their names changed twice between 0.7 and 0.10.
local function reporter(new, old)
  local health = vim.health or require('health')
  return health[new] or health[old]
end

local report = {
  start = reporter('start', 'report_start'),
  ok = reporter('ok', 'report_ok'),
  info = reporter('info', 'report_info'),
  warn = reporter('warn', 'report_warn'),
  error = reporter('error', 'report_error'),
}

local function lines_of(command)
  local text = vim.fn.system(command)
  return vim.split(vim.trim(text), '\n', { plain = true }), vim.v.shell_error
end

local function look_at_program()
  local program, by = agent.find()
  if not program then
    report.error(by)
    return nil
  end
  local version, code = lines_of({ program, '--version' })
  if code ~= 0 then
    report.error(program .. ' cannot be run: ' .. version[1])
    return nil
  end
  report.ok(('%s at %s, found by %s'):format(version[1], program, by))
  return program
end

local function look_at_doctor(program)
  report.start('What strop-agent doctor says')
  local command = { program, 'doctor' }
  if settings.now.config then vim.list_extend(command, { '--config', vim.fn.expand(settings.now.config) }) end
  local lines, code = lines_of(command)
  local say = code == 0 and report.ok or code == 1 and report.warn or report.error
  say(table.concat(lines, '\n'))
end

local function look_at_sessions()
  report.start('Agents of this editor')
  local agents = vim.tbl_filter(clients.is_agent, clients.list())
  if #agents == 0 then report.info('none is running') end
  for _, client in ipairs(agents) do
    local status = require('strop.session').last_status(client)
    local inline = clients.completes_inline(client) and 'completes' or 'does not complete'
    if not status then
      report.info(('%s: %s; it was not asked yet how it stands'):format(client.name, inline))
    elseif status.protocol then
      report.ok(('%s: %s; mode %s, capturing %s by rule %s%s'):format(client.name, inline, status.mode,
        status.capturing, status.rule, status.paused and ', paused' or ''))
    else
      report.info(('%s: %s; it does not answer strop/status: capture is off'):format(client.name, inline))
    end
  end
end

function M.check()
  report.start('Strop')
  local version = vim.version()
  report.ok(('Neovim %d.%d.%d; completions are shown by %s'):format(
    version.major, version.minor, version.patch, require('strop.completion').engine()))
  if vim.fn.exists('#strop.completion') == 0 then
    report.warn("setup was not called: require('strop').setup{} starts the plugin")
  end
  local program = look_at_program()
  look_at_sessions()
  if program then look_at_doctor(program) end
end

return M
