# frozen_string_literal: true

# Writes lib/versioner/header.rb from include/versioner.h: ruby generate_header.rb [HEADER]
# The constants and struct members of the C library are then written in one place only.

# Reads what the binding needs out of the C header.
class HeaderReader
  TYPES = {
    'size_t' => ':size_t', 'int32_t' => ':int32', 'uint64_t' => ':uint64'
  }.freeze

  def initialize(text)
    @text = text
  end

  def ruby
    <<~RUBY
      # frozen_string_literal: true

      # Generated from include/versioner.h by `ruby generate_header.rb`. Do not edit.

      module Versioner
        # The constants and struct members of the C library.
        module Header
          VERSION = '#{%w[MAJOR MINOR PATCH].map { |part| macro("VERSION_#{part}") }.join('.')}'
          ABI_VERSION = #{macro('ABI_VERSION')}
          UNSET = #{macro('UNSET')}
          YES = #{macro('YES')}
          NO = #{macro('NO')}
          NO_RETRIES = #{macro('NO_RETRIES')}
          LOG_LEVELS = { #{levels} }.freeze
          CODES = { #{constants('code', '(?!KIND)')} }.freeze
          KINDS = {
      #{constants('kind', 'KIND_').split(', ').map { |pair| "      #{pair}," }.join("\n")}
          }.freeze
      #{%w[options build_event deployment_event question end].map { |name| members(name) }.join("\n")}
        end
      end
    RUBY
  end

  private

  def macro(name)
    @text[/^#define VERSIONER_#{name} \(?(-?\d+)\)?$/, 1] || raise("no macro #{name}")
  end

  def levels
    %w[warning info debug].map { |name| "#{macro("LOG_#{name.upcase}")} => :#{name}" }.join(', ')
  end

  def constants(enum, prefix)
    body = @text[/^enum versioner_#{enum}\n.*?\{\n(.*?)\n\};/m, 1]
    found = body.scan(/^  VERSIONER_#{prefix}([A-Z_]+) = (\d+),/)
    found.map { |name, number| "#{name.downcase}: #{number}" }.join(', ')
  end

  def members(struct)
    body = @text[/^typedef struct versioner_#{struct} \{\n(.*?)\n\} /m, 1]
    found = body.scan(/^  ([a-z].*?)([a-z_]+);$/)
    lines = found.map { |type, name| "      #{name}: #{TYPES.fetch(type.strip, ':pointer')}," }
    # END is a word of Ruby's own.
    name = struct == 'end' ? 'ENDING' : struct.upcase
    "    #{name} = {\n#{lines.join("\n")}\n    }.freeze"
  end
end

if $PROGRAM_NAME == __FILE__
  header = ARGV.first || File.expand_path('../../include/versioner.h', __dir__)
  target = File.expand_path('lib/versioner/header.rb', __dir__)
  File.write(target, HeaderReader.new(File.read(header)).ruby)
end
