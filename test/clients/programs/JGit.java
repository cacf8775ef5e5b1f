// JGit takes its steps against the gate.
import java.io.File;
import java.net.URI;
import java.nio.file.Files;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.lib.PersonIdent;
import org.eclipse.jgit.lib.StoredConfig;
import org.eclipse.jgit.transport.PushResult;
import org.eclipse.jgit.transport.RefSpec;
import org.eclipse.jgit.transport.RemoteRefUpdate;
import org.eclipse.jgit.transport.UsernamePasswordCredentialsProvider;

public class JGit {
  interface Act { void run() throws Exception; }

  static Git one, two;

  static void report(String step, Act act) {
    String words = "";
    try {
      act.run();
    } catch (Throwable error) {
      for (Throwable each = error; each != null; each = each.getCause()) words += each.getMessage() + " ";
    }
    String quoted = words.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("[\\x00-\\x1f]", " ");
    System.out.println("{\"step\":\"" + step + "\",\"ok\":" + words.isEmpty() + ",\"words\":\"" + quoted + "\"}");
  }

  /** JGit does not read a user name and a password out of a URL with a token. */
  static UsernamePasswordCredentialsProvider credentials(String url) {
    String[] user = URI.create(url).getUserInfo().split(":");
    return new UsernamePasswordCredentialsProvider(user[0], user[1]);
  }

  static Git clone(String url, File folder) throws Exception {
    return Git.cloneRepository().setURI(url).setDirectory(folder).setCredentialsProvider(credentials(url)).call();
  }

  static void push(String url, String refspec) throws Exception {
    var results = one.push().setRemote("origin").setRefSpecs(new RefSpec(refspec))
        .setCredentialsProvider(credentials(url)).call();
    for (PushResult result : results)
      for (RemoteRefUpdate update : result.getRemoteUpdates())
        if (update.getStatus() != RemoteRefUpdate.Status.OK && update.getStatus() != RemoteRefUpdate.Status.UP_TO_DATE)
          throw new Exception(update.getStatus() + " " + update.getMessage() + " " + result.getMessages());
  }

  public static void main(String[] args) throws Exception {
    String folder = args[0], url = args[1], unknown = args[2], wrong = args[3], own = args[4];
    report("clone", () -> {
      one = clone(url, new File(folder, "one"));
      two = clone(url, new File(folder, "two"));
    });
    report("push", () -> {
      // A large text makes JGit gzip its request.
      Files.writeString(new File(folder, "one/one.txt").toPath(), "one line of a large text\n".repeat(100_000));
      one.add().addFilepattern("one.txt").call();
      PersonIdent ada = new PersonIdent("Ada", "ada@example.com");
      one.commit().setMessage("one.txt").setAuthor(ada).setCommitter(ada).setSign(false).call();
      push(url, "HEAD:refs/heads/" + own + "/one");
    });
    report("fetch", () -> two.fetch().setCredentialsProvider(credentials(url)).call());
    report("tag", () -> {
      one.tag().setName(own + "-v1").setMessage("A tag").setSigned(false)
          .setTagger(new PersonIdent("Ada", "ada@example.com")).call();
      push(url, "refs/tags/" + own + "-v1:refs/tags/" + own + "-v1");
    });
    report("delete", () -> push(url, ":refs/heads/" + own + "/one"));
    report("refused", () -> push(url, "HEAD:refs/heads/main"));
    report("unknown", () -> Git.lsRemoteRepository().setRemote(unknown)
        .setCredentialsProvider(credentials(unknown)).call());
    report("wrong token", () -> Git.lsRemoteRepository().setRemote(wrong)
        .setCredentialsProvider(credentials(wrong)).call());
  }
}
