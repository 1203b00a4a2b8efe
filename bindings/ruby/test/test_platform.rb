# frozen_string_literal: true

require_relative 'helper'
require 'fileutils'
require 'open3'

# Which library a gem that carries some takes.
class TestPlatform < Minitest::Test
  include Helper

  NAMES = {
    %w[linux-gnu x86_64] => 'x86_64-linux', %w[linux x86_64] => 'x86_64-linux', %w[linux amd64] => 'x86_64-linux',
    %w[linux-gnu aarch64] => 'aarch64-linux', %w[linux-musl x86_64] => 'x86_64-linux-musl',
    %w[linux-musl aarch64] => 'aarch64-linux-musl', %w[linux s390x] => 's390x-linux',
    %w[darwin23 arm64] => 'arm64-darwin', %w[darwin22 x86_64] => 'x86_64-darwin', %w[darwin aarch64] => 'arm64-darwin',
    %w[mingw-ucrt x64] => 'x64-mingw-ucrt', %w[mingw32 x86_64] => 'x64-mingw-ucrt',
    %w[mswin32 x86_64] => 'x64-mingw-ucrt', %w[freebsd14 amd64] => 'amd64-freebsd14'
  }.freeze

  def test_every_platform_has_the_name_that_rubygems_has
    Dir.mktmpdir do |folder|
      maps = File.join(folder, 'maps')
      File.write(maps, '7f00-7f01 r-xp 00000000 fe:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6')
      NAMES.each { |(system, cpu), name| assert_equal name, Versioner::Platform.build(system, cpu, maps) }
    end
  end

  # As on JRuby, which calls both Linux.
  def test_musl_is_known_by_what_is_loaded
    Dir.mktmpdir do |folder|
      maps = File.join(folder, 'maps')
      File.write(maps, "7f00-7f01 r--p 00000000 fe:00 1 /lib/ld-musl-x86_64.so.1\n")
      assert_equal 'x86_64-linux-musl', Versioner::Platform.build('linux', 'amd64', maps)
      assert_equal 'x86_64-linux', Versioner::Platform.build('linux', 'amd64', File.join(folder, 'none'))
    end
  end

  def test_a_carried_library_is_taken
    carrying(Versioner::Platform.name, ENV.fetch('VERSIONER_LIBRARY')) do |output, file|
      assert_equal file, output
    end
  end

  def test_a_named_library_counts_more_than_a_carried_one
    carrying(Versioner::Platform.name, __FILE__, named: ENV.fetch('VERSIONER_LIBRARY')) do |output|
      assert_equal ENV.fetch('VERSIONER_LIBRARY'), output
    end
  end

  def test_a_gem_of_another_platform_says_so
    # No other is installed on this machine.
    before = 'Versioner::Header.send(:remove_const, :ABI_VERSION); Versioner::Header::ABI_VERSION = 99'
    carrying('sparc-solaris', ENV.fetch('VERSIONER_LIBRARY'), before: before) do |output|
      assert_includes output, 'This gem carries the library for sparc-solaris, and this is ' \
                              "#{Versioner::Platform.name}. Install the gem of this platform"
    end
  end

  def test_a_carried_library_that_is_cut_off_is_refused
    Dir.mktmpdir do |folder|
      half = File.join(folder, 'half')
      IO.copy_stream(ENV.fetch('VERSIONER_LIBRARY'), half, 100_000)
      carrying(Versioner::Platform.name, half) do |output, file|
        assert_includes output, "libversioner cannot be loaded from #{file}: the file is cut off"
      end
    end
  end

  private

  # The path that is loaded by a gem which carries a library, or why none can be.
  def carrying(platform, library, named: nil, before: '')
    Dir.mktmpdir do |folder|
      FileUtils.cp_r("#{LIB}/.", folder)
      file = File.join(folder, 'versioner/native', platform, FFI.map_library_name('versioner'))
      FileUtils.mkdir_p(File.dirname(file))
      FileUtils.cp(library, file)
      script = <<~RUBY
        require 'versioner/header'
        #{before}
        require 'versioner'
        print Versioner::LibraryFile.path
      RUBY
      yield Open3.capture2e({ 'VERSIONER_LIBRARY' => named }, RbConfig.ruby, '-I', folder, '-e', script)[0], file
    end
  end
end
