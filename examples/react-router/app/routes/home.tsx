import { Link } from "react-router";

export default function Home() {
  return (
    <>
      <title>Start · Rolecall example</title>
      <h1>Rolecall with React Router</h1>
      <p>
        Everyone may see this page. The <Link to="/dashboard">dashboard</Link> is for whoever is
        signed in, the <Link to="/admin">administration</Link> for the app role <code>admin</code>.
      </p>
    </>
  );
}
